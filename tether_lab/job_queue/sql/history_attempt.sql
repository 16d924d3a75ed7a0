-- An attempt that ended long ago.
INSERT INTO attempt (job_id, epoch, attempt, worker, started_at, finished_at, outcome, error_type, error,
                     traceback, cpu_us, peak_bytes, exit_code, signal, pid)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);
