-- All executions of a job, the first first.
SELECT job_id, epoch, attempt, worker, started_at, finished_at, outcome, error_type, error, traceback,
       cpu_us, peak_bytes, exit_code, signal, pid
  FROM attempt WHERE job_id = :job_id ORDER BY epoch;
