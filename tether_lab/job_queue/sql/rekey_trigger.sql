-- A trigger under a new key.
UPDATE cause SET payload = :payload, key_id = :key_id, mac = :mac WHERE id = :id;
