-- What a turn leaves to be known, in one look: has something happened that hooks are told, does a job of ours
-- (hooks, services) wait, is an attempt of this worker to end, and the next moment at which something happens
-- by itself (next_due.sql).
SELECT EXISTS (SELECT 1 FROM happening) AS happened,
       EXISTS (SELECT 1 FROM job INDEXED BY job_ready
                WHERE state = 'pending' AND waits_for IS NULL AND queue >= '~' AND queue < char(127)) AS ours,
       EXISTS (SELECT 1 FROM job INDEXED BY job_timed
                WHERE (state = 'running' OR state = 'scheduled' OR state = 'retrying') AND state = 'running'
                  AND worker = :worker AND cancel_requested_at IS NOT NULL) AS cancelling,
       (SELECT min(at) FROM (
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
            SELECT min(next_at) FROM schedule INDEXED BY schedule_next WHERE next_at IS NOT NULL AND paused = 0)) AS due;
