-- What a turn leaves to be known, in one look: has something happened that hooks are told, does a job of ours
-- (hooks, services) wait, is an attempt of this worker to end, and the next moment at which something happens
-- by itself (next_due.sql).
SELECT EXISTS (SELECT 1 FROM happening) AS happened,
       EXISTS (SELECT 1 FROM job INDEXED BY job_ready
                WHERE state = 'pending' AND waits_for IS NULL AND queue >= '~' AND queue < char(127)) AS ours,
       EXISTS (SELECT 1 FROM job INDEXED BY job_timed
                WHERE (state = 'running' OR state = 'scheduled' OR state = 'retrying') AND state = 'running'
                  AND worker = :worker AND cancel_requested_at IS NOT NULL) AS cancelling,
       ({next_due}) AS due;
