-- Unreferenced and untouched since :before. Three NOT EXISTS by index, no counters that could go wrong.
-- Not a DELETE … RETURNING: SQLite 3.40 answers 0 to "data IS NULL" there.
SELECT digest, data IS NULL AS is_file FROM blob
 WHERE touched_at < :before
   AND NOT EXISTS (SELECT 1 FROM handler_blob WHERE handler_blob.digest = blob.digest)
   AND NOT EXISTS (SELECT 1 FROM result_blob WHERE result_blob.digest = blob.digest)
   AND NOT EXISTS (SELECT 1 FROM job_blob WHERE job_blob.digest = blob.digest);
