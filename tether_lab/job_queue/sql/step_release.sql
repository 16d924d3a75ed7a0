-- One parent less to wait for; after the last one the job may go, at its time.
UPDATE job SET deps_left = deps_left - 1, updated_at = :now,
       state = iif(deps_left > 1, state, iif(run_at <= :now, 'pending', 'scheduled')),
       waits_for = iif(deps_left > 1, waits_for, NULL)
 WHERE id = :id AND state = 'blocked' AND deps_left > 0
RETURNING deps_left, epoch;
