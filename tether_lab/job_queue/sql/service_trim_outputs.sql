-- Of its outputs those of the newest ten.
DELETE FROM output WHERE job_id IN (SELECT job_id FROM service) AND epoch <=
       (SELECT epoch FROM job WHERE job.id = output.job_id) - 10;
