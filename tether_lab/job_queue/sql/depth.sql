-- How many are ready to start, from the index alone.
SELECT count(*) FROM job INDEXED BY job_ready WHERE state = 'pending' AND waits_for IS NULL AND queue <> '~services';
