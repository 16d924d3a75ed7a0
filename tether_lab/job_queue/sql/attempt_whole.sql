-- A whole attempt in one row: claimed ahead, begun and succeeded before anything was written of it.
INSERT INTO attempt (job_id, epoch, attempt, worker, started_at, finished_at, outcome, pid)
VALUES (?, ?, ?, ?, ?, ?, 'succeeded', ?);
