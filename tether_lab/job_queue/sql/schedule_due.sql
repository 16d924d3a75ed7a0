-- Whose next fire has come. The index holds only those that may fire: one seek on an ordinary turn.
SELECT id, uuid, name, key, rule, payload, options, next_at, paused, trouble, created_at, updated_at, key_id, mac
  FROM schedule INDEXED BY schedule_next
 WHERE next_at IS NOT NULL AND paused = 0 AND next_at <= :now ORDER BY next_at LIMIT 100;
