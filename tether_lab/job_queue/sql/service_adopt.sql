-- The job that a service runs as, and the epoch that its start began with.
UPDATE service SET job_id = :job_id, started_epoch = :epoch WHERE id = :id;
