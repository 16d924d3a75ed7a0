-- A kept value under a new key.
UPDATE memo SET body = :body, key_id = :key_id, mac = :mac WHERE job_id = :job_id AND name = :name;
