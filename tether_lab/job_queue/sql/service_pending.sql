-- Whether a service waits for a place, or is due to start again.
SELECT EXISTS (SELECT 1 FROM job INDEXED BY job_ready
                WHERE state = 'pending' AND waits_for IS NULL AND queue = '~services')
    OR EXISTS (SELECT 1 FROM job INDEXED BY job_timed
                WHERE state IN ('running', 'scheduled', 'retrying') AND state = 'retrying' AND run_at <= :now
                  AND queue = '~services');
