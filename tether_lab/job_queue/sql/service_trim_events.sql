-- And of its events the newest ten thousand.
DELETE FROM event WHERE job_id = :job AND id <= (
       SELECT id FROM event WHERE job_id = :job ORDER BY id DESC LIMIT 1 OFFSET 10000);
