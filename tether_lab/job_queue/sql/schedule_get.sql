-- One schedule by its name.
SELECT id, uuid, name, key, rule, payload, options, next_at, paused, trouble, created_at, updated_at, key_id, mac
  FROM schedule WHERE name = :name;
