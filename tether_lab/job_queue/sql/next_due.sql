-- The next moment at which something happens by itself: five seeks (each index's
-- own condition stands first, word for word).
SELECT min(at) FROM (
    SELECT min(run_at) AS at FROM job INDEXED BY job_timed
     WHERE (state = 'running' OR state = 'scheduled' OR state = 'retrying') AND state = 'scheduled'
     UNION ALL
    SELECT min(run_at) FROM job INDEXED BY job_timed
     WHERE (state = 'running' OR state = 'scheduled' OR state = 'retrying') AND state = 'retrying'
     UNION ALL
    SELECT min(expires_at) FROM job INDEXED BY job_expiring
     WHERE expires_at IS NOT NULL AND started_at IS NULL AND state IN ('blocked', 'scheduled', 'pending')
     UNION ALL
    SELECT min(next_at) FROM rate INDEXED BY rate_next WHERE next_at IS NOT NULL
     UNION ALL
    SELECT min(next_at) FROM schedule INDEXED BY schedule_next WHERE next_at IS NOT NULL AND paused = 0);
