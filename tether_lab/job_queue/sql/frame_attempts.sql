-- The attempts of a frame, with what their job says of them; a job's attempts stay together.
SELECT a.*, j.uuid, j.handler_id, j.queue, j.tags, j.max_attempts, j.state, j.created_at
  FROM attempt a CROSS JOIN job j ON j.id = a.job_id
 WHERE j.queue <> '~services' AND substr(j.key, 1, 1) <> '~'
   AND (:since IS NULL OR a.started_at >= :since)
   AND (:until IS NULL OR a.started_at < :until)
   AND (:keys IS NULL OR j.key IN (SELECT value FROM json_each(:keys)))
   AND (:words IS NULL OR coalesce(a.outcome, 'running') IN (SELECT value FROM json_each(:words)))
   AND (:tag IS NULL OR EXISTS (SELECT 1 FROM json_each(j.tags) WHERE json_each.value = :tag))
   AND a.job_id BETWEEN coalesce(:job, 0) AND coalesce(:job, 9223372036854775807)
 ORDER BY a.job_id DESC, a.epoch DESC
 LIMIT :limit;
