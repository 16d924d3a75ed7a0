-- A service never ends: of its attempts the newest hundred stay.
DELETE FROM attempt WHERE job_id IN (SELECT job_id FROM service) AND epoch <=
       (SELECT epoch FROM job WHERE job.id = attempt.job_id) - 100;
