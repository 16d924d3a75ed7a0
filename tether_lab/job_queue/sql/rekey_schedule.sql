-- A schedule under a new key; its next fire stays.
UPDATE schedule SET payload = :payload, key_id = :key_id, mac = :mac WHERE id = :id;
