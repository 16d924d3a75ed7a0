-- Waiting jobs by queue; a look for people.
SELECT queue, count(*) FROM job WHERE state IN ('blocked', 'scheduled', 'pending', 'retrying') AND substr(queue, 1, 1) <> '~' GROUP BY queue;
