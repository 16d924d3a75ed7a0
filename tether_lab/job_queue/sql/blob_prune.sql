-- Unreferenced and untouched since :before. Three NOT EXISTS on primary keys or their index, no counters
-- that could go wrong.
DELETE FROM blob
 WHERE touched_at < :before
   AND NOT EXISTS (SELECT 1 FROM handler_blob WHERE handler_blob.digest = blob.digest)
   AND NOT EXISTS (SELECT 1 FROM result_blob WHERE result_blob.digest = blob.digest)
   AND NOT EXISTS (SELECT 1 FROM job_blob WHERE job_blob.digest = blob.digest)
RETURNING digest, data IS NULL AS is_file;
