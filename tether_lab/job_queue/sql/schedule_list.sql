-- All schedules: those that fire next first, then those that are paused or over.
SELECT id, uuid, name, key, rule, payload, options, next_at, paused, trouble, created_at, updated_at, key_id, mac
  FROM schedule ORDER BY paused OR next_at IS NULL, next_at, name;
