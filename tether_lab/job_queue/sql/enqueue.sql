-- One row and two partial indexes at most; no event: the row itself says when.
INSERT INTO job (uuid, key, handler_id, queue, payload, options, state, priority, run_at, expires_at,
                 max_attempts, created_at, updated_at, description, tags, key_id, mac,
                 slot_key, slot_max, slot_order, rate_key, rate_max, rate_window)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);
