-- A trigger under a new key.
UPDATE cause SET key_id = :key_id, mac = :mac WHERE id = :id;
