-- The jobs of a frame. frames.py asks this for columns; SQLite flattens the two statements into one scan
-- that reads only those. The newest come first, so that a limit keeps them.
SELECT j.* FROM job j
 WHERE j.queue <> '~services' AND substr(j.key, 1, 1) <> '~'
   AND (:since IS NULL OR j.created_at >= :since)
   AND (:until IS NULL OR j.created_at < :until)
   AND (:keys IS NULL OR j.key IN (SELECT value FROM json_each(:keys)))
   AND (:words IS NULL OR j.state IN (SELECT value FROM json_each(:words)))
   AND (:tag IS NULL OR EXISTS (SELECT 1 FROM json_each(j.tags) WHERE json_each.value = :tag))
   AND j.id BETWEEN coalesce(:job, 0) AND coalesce(:job, 9223372036854775807)
 ORDER BY j.id DESC
 LIMIT :limit;
