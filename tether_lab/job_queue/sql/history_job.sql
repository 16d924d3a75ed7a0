-- A job that ended long ago, whole. Only final states fit: there is no worker and no lease.
INSERT INTO job (id, uuid, key, handler_id, queue, payload, options, state, priority, run_at, attempt,
                 max_attempts, epoch, crash_count, cancel_requested_at, created_at, updated_at, started_at,
                 finished_at, error, description, tags, key_id, mac)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);
