-- Whether any trigger waits for the end of a job.
SELECT EXISTS (SELECT 1 FROM cause WHERE after_key IS NOT NULL);
