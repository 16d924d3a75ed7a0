-- A few words that change when something beside the jobs does; the tables are small.
SELECT 'schedules' AS topic, coalesce(group_concat(concat), '') AS words FROM (
    SELECT id || ':' || updated_at || ':' || coalesce(next_at, '') || ':' || paused || coalesce(trouble, '')
        AS concat FROM schedule ORDER BY id)
 UNION ALL SELECT 'queues', coalesce(group_concat(queue), '') FROM paused
 UNION ALL SELECT 'handlers', count(*) || ':' || coalesce(max(updated_at), 0) || ':' || coalesce(sum(head), 0)
             FROM handler
 UNION ALL SELECT 'groups', (SELECT coalesce(max(id), 0) || ':' || total(finished_at) FROM chain)
             || ':' || coalesce(max(id), 0) || ':' || total(finished_at) || ':'
             || total(completed + failed + cancelled + expired + skipped) FROM batch
 UNION ALL SELECT 'pruned', coalesce((SELECT value FROM meta WHERE key = 'pruned'), '')
 UNION ALL SELECT 'worker', coalesce(group_concat(id || ':' || state), '') FROM worker;
