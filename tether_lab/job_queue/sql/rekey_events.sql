-- Encrypted events of a job.
SELECT id, epoch, kind, detail FROM event WHERE job_id = :id AND detail LIKE 'tl1.%';
