-- A service under a new key; it goes on as it is.
UPDATE service SET key_id = :key_id, mac = :mac WHERE id = :id;
