-- The key that a job gave back and would take again; its time may have passed.
SELECT dedup_key, key FROM job
 WHERE id = :id AND dedup_key IS NOT NULL AND state IN ('failed', 'cancelled')
   AND (dedup_until IS NULL OR dedup_until > :now);
