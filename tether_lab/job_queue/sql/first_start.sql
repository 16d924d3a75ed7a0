-- When its first attempt began; those before somebody ran it again do not count.
SELECT min(started_at) FROM attempt
 WHERE job_id = :id AND epoch > coalesce((SELECT max(epoch) FROM event WHERE job_id = :id AND kind = 'retried'), 0);
