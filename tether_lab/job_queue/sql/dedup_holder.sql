-- The condition of the partial index word for word, so that it is used.
SELECT id, state, epoch FROM job
 WHERE dedup_key = :dedup_key AND dedup_key IS NOT NULL AND state NOT IN ('failed', 'cancelled');
