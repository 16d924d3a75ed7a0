-- What the worker should end. The index over running jobs is short (its own condition
-- stands first, word for word).
SELECT id, epoch, cancel_force FROM job INDEXED BY job_timed
 WHERE (state = 'running' OR state = 'scheduled' OR state = 'retrying') AND state = 'running' AND worker = :worker AND cancel_requested_at IS NOT NULL
 ORDER BY run_at, id;
