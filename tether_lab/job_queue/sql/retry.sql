-- A final job again, at once. Its history, its result and its output stay until newer ones replace them;
-- its deadline does not come back, and it gets at least one attempt more.
UPDATE job
   SET state = 'pending', waits_for = NULL, run_at = :now, expires_at = NULL, finished_at = NULL,
       started_at = NULL, updated_at = :now, cancel_requested_at = NULL, cancel_force = 0, crash_count = 0,
       dedup_key = iif(dedup_until <= :now, NULL, dedup_key), progress = NULL, error = NULL, max_attempts = max(max_attempts, attempt + 1),
       handler_id = coalesce(:handler_id, handler_id), key_id = coalesce(:key_id, key_id),
       mac = coalesce(:mac, mac), options = coalesce(:options, options)
 WHERE id = :id AND state IN ('completed', 'failed', 'cancelled', 'expired', 'skipped')
RETURNING epoch;
