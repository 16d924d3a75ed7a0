-- A job that was claimed ahead and has not begun waits again, as if nobody had claimed it (nothing of its
-- attempt was written yet); the epoch stays spent. One that somebody asked to cancel meanwhile is left to be
-- cancelled.
UPDATE job SET state = 'pending', waits_for = NULL, attempt = attempt - 1, epoch = epoch + 1, worker = NULL,
       boot_id = NULL, lease_until = NULL, started_at = iif(attempt = 1, NULL, started_at), updated_at = ?
 WHERE id = ? AND epoch = ? AND worker = ? AND state = 'running' AND cancel_requested_at IS NULL;
