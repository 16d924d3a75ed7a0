-- The history of a job, as it happened.
SELECT id, job_id, epoch, kind, at, detail FROM event WHERE job_id = :job_id AND id > :after ORDER BY id;
