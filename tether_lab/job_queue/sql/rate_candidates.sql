-- The first that want to start under this key, in the order of a queue.
SELECT id, waits_for IS NULL AS free, rate_max, rate_window FROM job INDEXED BY job_rate
 WHERE rate_key IS NOT NULL AND state = 'pending' AND rate_key = :key
   AND (waits_for IS NULL OR waits_for = 'rate:' || :key)
 ORDER BY priority DESC, run_at, id LIMIT :limit;
