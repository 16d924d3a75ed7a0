-- The names of queues with work, by jumping through the index: one seek a name, however many jobs wait.
-- Those that start with ~ are ours and have places of their own.
WITH RECURSIVE found (queue) AS (
    SELECT min(queue) FROM job INDEXED BY job_ready WHERE state = 'pending' AND waits_for IS NULL
     UNION ALL
    SELECT (SELECT min(queue) FROM job INDEXED BY job_ready WHERE state = 'pending' AND waits_for IS NULL AND queue > found.queue)
      FROM found WHERE found.queue IS NOT NULL)
SELECT queue FROM found WHERE queue IS NOT NULL AND substr(queue, 1, 1) <> '~';
