-- The next jobs of one queue, in the order of the index. Reading before updating keeps that order; nobody
-- can come between, because the transaction holds the write lock. A pending job is due, whatever the
-- clock says now: one that was set back takes nothing away.
SELECT id, epoch, uuid, key, handler_id, payload, options, attempt, max_attempts, crash_count, created_at,
       key_id, mac, rate_key, rate_window, slot_key, chain_id IS NOT NULL, batch_id
  FROM job INDEXED BY job_ready
 WHERE state = 'pending' AND waits_for IS NULL AND queue = ?
 ORDER BY priority DESC, run_at, id
 LIMIT ?;
