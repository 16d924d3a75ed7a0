-- Ended jobs, the oldest first, with all that an archive keeps of them; what is unfinished stays where it is.
SELECT j.id, j.uuid, j.key, j.handler_id, j.queue, j.payload, j.options, j.state, j.priority, j.run_at, j.attempt,
       j.max_attempts, j.epoch, j.crash_count, j.cancel_requested_at, j.created_at, j.updated_at, j.started_at,
       j.finished_at, j.error, j.description, j.tags, j.key_id, j.mac
  FROM job j
 WHERE j.finished_at IS NOT NULL AND j.id > :after AND (:key IS NULL OR j.key = :key)
   AND (:since IS NULL OR j.created_at >= :since)
 ORDER BY j.id LIMIT 100;
