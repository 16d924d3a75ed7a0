-- What earlier attempts of a job kept.
SELECT name, epoch, kind, body, key_id, mac FROM memo WHERE job_id = :job_id;
