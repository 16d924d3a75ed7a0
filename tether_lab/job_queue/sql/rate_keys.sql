-- Keys that somebody wants to start under.
SELECT DISTINCT rate_key FROM job INDEXED BY job_rate WHERE rate_key IS NOT NULL AND state = 'pending';
