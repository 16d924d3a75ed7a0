-- Ends or moves an attempt. Fenced by epoch, worker and state, inside the transaction that also writes the
-- result: no row back means that the claim is lost and everything of this ending is dropped.
-- A cancel that was asked for meanwhile wins over everything but an end that came first (:yields = 0).
UPDATE job
   SET state       = iif(:yields AND cancel_requested_at IS NOT NULL, 'cancelled', :state),
       finished_at = iif(:final OR (:yields AND cancel_requested_at IS NOT NULL), :now, NULL),
       run_at      = coalesce(:run_at, run_at),
       attempt     = attempt - iif(:yields AND cancel_requested_at IS NOT NULL, 0, :given_back),
       crash_count = crash_count + iif(:yields AND cancel_requested_at IS NOT NULL, 0, :crash),
       error       = CASE WHEN :state = 'completed' THEN NULL
                          WHEN :yields AND cancel_requested_at IS NOT NULL THEN 'cancelled by user'
                          ELSE coalesce(:error, error) END,
       started_at = coalesce(:started_at, started_at), progress = coalesce(:progress, progress),
       waits_for = NULL, worker = NULL, boot_id = NULL, lease_until = NULL, updated_at = :now
 WHERE id = :id AND epoch = :epoch AND worker = :worker AND state = 'running'
RETURNING state, attempt, has_children, chain_id, batch_id;
