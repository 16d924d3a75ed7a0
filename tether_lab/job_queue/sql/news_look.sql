-- What is new since the last look, in one picture: jobs, events, and jobs that run (their output grows).
SELECT * FROM (SELECT 'job' AS what, id, id AS job, '' AS kind, 0 AS at FROM job
                WHERE id > :job ORDER BY id LIMIT :limit)
 UNION ALL
SELECT * FROM (SELECT 'event', id, job_id, kind, at FROM event WHERE id > :event ORDER BY id LIMIT :limit)
 UNION ALL
SELECT * FROM (SELECT 'running', queue = '~services', id, '', updated_at FROM job INDEXED BY job_timed
                WHERE state IN ('running', 'scheduled', 'retrying') AND state = 'running');
