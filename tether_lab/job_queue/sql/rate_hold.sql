-- All others of this key wait for their time.
UPDATE job INDEXED BY job_rate SET waits_for = 'rate:' || :key, updated_at = :now
 WHERE rate_key IS NOT NULL AND state = 'pending' AND rate_key = :key AND waits_for IS NULL
   AND id NOT IN (SELECT value FROM json_each(:ids));
