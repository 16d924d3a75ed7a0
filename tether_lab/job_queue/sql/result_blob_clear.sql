-- A replaced result holds its blobs no longer.
DELETE FROM result_blob WHERE job_id = :job_id;
