-- The events of a frame, with the handler of their job.
SELECT e.*, j.uuid, j.handler_id, j.queue
  FROM event e CROSS JOIN job j ON j.id = e.job_id
 WHERE j.queue <> '~services' AND substr(j.key, 1, 1) <> '~'
   AND (:since IS NULL OR e.at >= :since)
   AND (:until IS NULL OR e.at < :until)
   AND (:keys IS NULL OR j.key IN (SELECT value FROM json_each(:keys)))
   AND (:words IS NULL OR e.kind IN (SELECT value FROM json_each(:words)))
   AND (:tag IS NULL OR EXISTS (SELECT 1 FROM json_each(j.tags) WHERE json_each.value = :tag))
   AND (:job IS NULL OR e.job_id = :job)
 ORDER BY e.id DESC
 LIMIT :limit;
