-- Jobs with a window or constraints that are due: those that might start now, and those that could not.
SELECT id, epoch, options, state, waits_for FROM job INDEXED BY job_gated
 WHERE gated = 1 AND state IN ('pending', 'blocked')
   AND (state = 'pending' AND waits_for IS NULL OR waits_for GLOB 'constraint:*')
 ORDER BY id LIMIT 1000;
