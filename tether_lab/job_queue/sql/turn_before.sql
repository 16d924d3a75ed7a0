-- Is there anything to see to before a claim? One look into indexes that are empty in most labs, instead of
-- a statement for each (each index's own condition stands first, word for word). And the first and the last
-- name of a queue with work: mostly one.
SELECT EXISTS (SELECT 1 FROM job INDEXED BY job_timed
                WHERE (state = 'running' OR state = 'scheduled' OR state = 'retrying')
                  AND state = 'scheduled' AND run_at <= :now)
    OR EXISTS (SELECT 1 FROM job INDEXED BY job_timed
                WHERE (state = 'running' OR state = 'scheduled' OR state = 'retrying')
                  AND state = 'retrying' AND run_at <= :now)
    OR EXISTS (SELECT 1 FROM job INDEXED BY job_expiring
                WHERE expires_at IS NOT NULL AND started_at IS NULL
                  AND state IN ('blocked', 'scheduled', 'pending') AND expires_at <= :now)
    OR EXISTS (SELECT 1 FROM caused) AS due,
       EXISTS (SELECT 1 FROM job INDEXED BY job_gated WHERE gated = 1 AND state IN ('pending', 'blocked')) AS gated,
       EXISTS (SELECT 1 FROM paused) AS paused,
       EXISTS (SELECT 1 FROM job INDEXED BY job_slot
                WHERE slot_key IS NOT NULL AND state IN ('running', 'pending', 'blocked')) AS slots,
       EXISTS (SELECT 1 FROM job INDEXED BY job_rate WHERE rate_key IS NOT NULL AND state = 'pending')
    OR EXISTS (SELECT 1 FROM rate INDEXED BY rate_next WHERE next_at IS NOT NULL) AS rates,
       EXISTS (SELECT 1 FROM handler WHERE key >= '~on_start:' AND substr(key, 1, 10) = '~on_start:') AS hooked,
       (SELECT min(queue) FROM job INDEXED BY job_ready WHERE state = 'pending' AND waits_for IS NULL) AS first,
       (SELECT max(queue) FROM job INDEXED BY job_ready WHERE state = 'pending' AND waits_for IS NULL) AS last;
