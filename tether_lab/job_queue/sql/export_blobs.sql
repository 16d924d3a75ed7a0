-- The blobs of a job's payload and result, and those that its handler took along.
SELECT digest FROM job_blob WHERE job_id = :job_id UNION SELECT digest FROM result_blob WHERE job_id = :job_id
 UNION SELECT digest FROM handler_blob WHERE handler_id = :handler_id;
