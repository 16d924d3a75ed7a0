-- Where the history of a service ends now.
SELECT coalesce(max(id), 0) FROM event WHERE job_id = :job;
