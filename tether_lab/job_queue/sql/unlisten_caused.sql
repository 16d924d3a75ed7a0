-- No trigger waits for the end of a job any more.
DROP TRIGGER IF EXISTS job_caused;
