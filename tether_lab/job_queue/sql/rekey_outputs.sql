-- Encrypted rows of a job's output.
SELECT epoch, seq, body FROM output WHERE job_id = :id AND body LIKE 'tl1.%';
