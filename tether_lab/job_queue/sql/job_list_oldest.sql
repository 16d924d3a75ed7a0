-- A page of jobs, oldest first; as job_list otherwise.
SELECT j.*, v.version AS handler_version, v.kind FROM job j JOIN handler_version v ON v.id = j.handler_id
 WHERE (:states IS NULL OR j.state IN (SELECT value FROM json_each(:states)))
   AND (:key IS NULL OR j.key = :key) AND (:key IS NOT NULL OR substr(j.key, 1, 1) <> '~')
   AND (:queue IS NULL OR j.queue = :queue)
   AND (:since IS NULL OR j.created_at >= :since)
   AND (:tag IS NULL OR EXISTS (SELECT 1 FROM json_each(j.tags) WHERE json_each.value = :tag))
 ORDER BY j.id
 LIMIT :limit OFFSET :offset;
