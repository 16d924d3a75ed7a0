-- Does anything limit anybody? Four looks into indexes that are empty where nobody set a limit.
SELECT EXISTS (SELECT 1 FROM paused) AS paused,
       EXISTS (SELECT 1 FROM job INDEXED BY job_slot
                WHERE slot_key IS NOT NULL AND state IN ('running', 'pending', 'blocked')) AS slots,
       EXISTS (SELECT 1 FROM job INDEXED BY job_rate
                WHERE rate_key IS NOT NULL AND state = 'pending')
    OR EXISTS (SELECT 1 FROM rate INDEXED BY rate_next WHERE next_at IS NOT NULL) AS rates;
