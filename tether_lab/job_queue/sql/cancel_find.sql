-- Unfinished jobs by key, by tag, by queue, or all.
SELECT id FROM job
 WHERE state IN ('blocked', 'scheduled', 'pending', 'running', 'retrying')
   AND (:key IS NULL OR key = :key) AND (:key IS NOT NULL OR substr(key, 1, 1) <> '~')
   AND (:chain IS NULL OR chain_id = :chain)
   AND (:batch IS NULL OR batch_id = :batch)
   AND queue = coalesce(:queue, iif(queue = '~services', NULL, queue))
   AND (:tag IS NULL OR EXISTS (SELECT 1 FROM json_each(job.tags) WHERE json_each.value = :tag));
