-- Running jobs whose worker is dead, hangs, or lived before the last boot. Never the asker's own: those
-- it knows better. Few rows run, so the index over them is short (its own condition
-- stands first, word for word).
SELECT id, epoch, worker, attempt, max_attempts, crash_count, cancel_requested_at IS NOT NULL AS cancelling, queue,
       waits_for
  FROM job INDEXED BY job_timed
 WHERE (state = 'running' OR state = 'scheduled' OR state = 'retrying') AND state = 'running' AND worker <> :worker
   AND (boot_id <> :boot_id OR lease_until < :mono OR worker IN (SELECT value FROM json_each(:dead)))
 ORDER BY run_at, id;
