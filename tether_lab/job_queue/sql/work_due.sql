-- Whether there is something that a worker would do now: jobs that are ready, that a dead one left, or whose
-- time has come.
SELECT EXISTS (SELECT 1 FROM job INDEXED BY job_ready WHERE state = 'pending' AND waits_for IS NULL)
    OR EXISTS (SELECT 1 FROM job INDEXED BY job_timed
                WHERE state IN ('running', 'scheduled', 'retrying') AND state = 'running')
    OR EXISTS (SELECT 1 FROM job INDEXED BY job_timed WHERE state IN ('running', 'scheduled', 'retrying')
                  AND state = 'scheduled' AND run_at <= :now)
    OR EXISTS (SELECT 1 FROM job INDEXED BY job_timed WHERE state IN ('running', 'scheduled', 'retrying')
                  AND state = 'retrying' AND run_at <= :now)
    OR EXISTS (SELECT 1 FROM schedule INDEXED BY schedule_next
                WHERE next_at IS NOT NULL AND paused = 0 AND next_at <= :now);
