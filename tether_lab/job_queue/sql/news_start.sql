-- Where to begin: the newest job and event, and all that has not ended. Once a watcher, for the one pass.
SELECT 'job' AS what, coalesce(max(id), 0) AS id, '' AS state, '' AS waits_for, 0 AS updated_at FROM job
 UNION ALL
SELECT 'event', coalesce(max(id), 0), '', '', 0 FROM event
 UNION ALL
SELECT 'open', id, state, waits_for, updated_at FROM job WHERE finished_at IS NULL;
