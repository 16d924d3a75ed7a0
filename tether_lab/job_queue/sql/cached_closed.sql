-- Completed jobs of a version, the newest first, whose payloads only the reader can compare (--cache).
SELECT id, uuid, payload FROM job
 WHERE handler_id = :handler_id AND state = 'completed' AND finished_at >= :since
 ORDER BY id DESC LIMIT 1000;
