-- The newest completed job of the same version and payload (--cache), if it is young enough.
SELECT id FROM job
 WHERE handler_id = :handler_id AND state = 'completed' AND payload = :payload AND finished_at >= :since
 ORDER BY id DESC LIMIT 1;
