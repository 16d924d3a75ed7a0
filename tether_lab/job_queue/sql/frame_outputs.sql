-- The rows of output of a frame. Their bodies are read only where a column asks for them.
SELECT o.*, j.uuid, j.handler_id, j.queue
  FROM output o CROSS JOIN job j ON j.id = o.job_id
 WHERE j.queue <> '~services' AND substr(j.key, 1, 1) <> '~'
   AND (:since IS NULL OR o.at >= :since)
   AND (:until IS NULL OR o.at < :until)
   AND (:keys IS NULL OR j.key IN (SELECT value FROM json_each(:keys)))
   AND (:words IS NULL OR json_extract(iif(substr(o.body, 1, 4) = 'tl1.', coalesce(opened(o.body, 'output', j.uuid, o.epoch, o.seq), '{"k": "encrypted"}'), o.body), '$.k') IN (SELECT value FROM json_each(:words)))
   AND (:tag IS NULL OR EXISTS (SELECT 1 FROM json_each(j.tags) WHERE json_each.value = :tag))
   AND o.job_id BETWEEN coalesce(:job, 0) AND coalesce(:job, 9223372036854775807)
 ORDER BY o.job_id DESC, o.epoch DESC, o.seq DESC
 LIMIT :limit;
