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
 UNION ALL SELECT 'services', coalesce(group_concat(concat), '') FROM (
    SELECT s.id || ':' || s.wanted || ':' || s.changed_at || ':' || s.note_at || ':' || coalesce(j.state, '')
        || ':' || coalesce(j.epoch, '') || ':' || coalesce(j.worker, '') AS concat
      FROM service s LEFT JOIN job j ON j.id = s.job_id ORDER BY s.id)
 UNION ALL SELECT 'triggers', coalesce(group_concat(concat), '') FROM (
    SELECT id || ':' || paused || ':' || fired || ':' || coalesce(trouble, '') AS concat FROM cause ORDER BY id)
 UNION ALL SELECT 'pruned', coalesce((SELECT value FROM meta WHERE key = 'pruned'), '')
 UNION ALL SELECT 'worker', coalesce(group_concat(id || ':' || state), '') FROM worker;
