-- Held back by the clock (scheduled), by the machine (blocked), or let through (pending).
UPDATE job SET state = :state, waits_for = :waits_for, run_at = coalesce(:run_at, run_at), updated_at = :now
 WHERE id = :id AND gated = 1 AND state IN ('pending', 'blocked');
