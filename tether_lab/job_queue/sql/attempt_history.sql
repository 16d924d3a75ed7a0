-- A row an attempt, newest first. One pass over the attempts: for a glance, not for a loop.
SELECT j.id, j.key, a.attempt, a.outcome, a.started_at, a.finished_at, a.error, j.state, j.uuid,
       a.epoch
  FROM attempt a JOIN job j ON j.id = a.job_id
 WHERE j.queue <> '~services'
   AND (:key IS NULL OR j.key = :key) AND (:key IS NOT NULL OR substr(j.key, 1, 1) <> '~')
   AND (:since IS NULL OR a.started_at >= :since)
   AND (:states IS NULL OR j.state IN (SELECT value FROM json_each(:states)))
 ORDER BY a.started_at DESC, j.id DESC, a.epoch DESC
 LIMIT :limit;
