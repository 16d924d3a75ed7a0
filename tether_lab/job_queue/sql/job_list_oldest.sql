-- A page of jobs, oldest first; as job_list otherwise.
SELECT j.*, v.version AS handler_version, v.kind FROM job j JOIN handler_version v ON v.id = j.handler_id
 WHERE (:states IS NULL OR j.state IN (SELECT value FROM json_each(:states)))
   AND (:key IS NULL OR j.key = :key) AND (:key IS NOT NULL OR substr(j.key, 1, 1) <> '~')
   AND j.queue = coalesce(:queue, iif(j.queue = '~services', NULL, j.queue))
   AND (:chain IS NULL OR j.chain_id = :chain)
   AND (:batch IS NULL OR j.batch_id = :batch)
   AND j.id > coalesce(:before, 0)
   AND (:since IS NULL OR j.created_at >= :since)
   AND (:tag IS NULL OR EXISTS (SELECT 1 FROM json_each(j.tags) WHERE json_each.value = :tag))
   AND (:search IS NULL OR j.id = :number OR j.key LIKE :search ESCAPE '\' OR j.tags LIKE :search ESCAPE '\'
        OR j.description LIKE :search ESCAPE '\' OR j.error LIKE :search ESCAPE '\'
        OR substr(j.payload, 1, 4000) LIKE :search ESCAPE '\')
 ORDER BY j.id
 LIMIT :limit OFFSET :offset;
