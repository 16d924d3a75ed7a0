-- How the attempt ended and what it used.
UPDATE attempt
   SET finished_at = max(:finished_at, coalesce(:started_at, started_at)),     -- read from two clocks, microseconds apart
       started_at = coalesce(:started_at, started_at), outcome = :outcome,
       error_type = :error_type, error = :error, traceback = :traceback, cpu_us = :cpu_us,
       peak_bytes = :peak_bytes, exit_code = :exit_code, signal = :signal, pid = coalesce(:pid, pid)
 WHERE job_id = :id AND epoch = :epoch;
