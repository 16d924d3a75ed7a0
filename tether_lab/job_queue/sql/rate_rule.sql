-- The largest limit under one key: how many may be looked at.
SELECT max(rate_max) FROM job INDEXED BY job_rate
 WHERE rate_key IS NOT NULL AND state = 'pending' AND rate_key = :key
   AND (waits_for IS NULL OR waits_for = 'rate:' || :key);
