-- A result under a new key.
UPDATE result SET body = :body, text = :text, key_id = :key_id, mac = :mac WHERE job_id = :job_id;
