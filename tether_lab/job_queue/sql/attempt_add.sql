-- Keyed by epoch: a snooze repeats an attempt's number, never its epoch.
INSERT INTO attempt (job_id, epoch, attempt, worker, started_at) VALUES (?, ?, ?, ?, ?);
