-- A job that had completed begins anew when it is run once more.
DELETE FROM memo WHERE job_id IN (SELECT id FROM job WHERE id = :job_id AND state = 'completed');
