-- A version under a new key; what it says stays.
UPDATE handler_version SET manifest = :manifest, key_id = :key_id, mac = :mac WHERE id = :id;
