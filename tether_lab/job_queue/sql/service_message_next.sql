-- The oldest message that was neither done with nor given up.
SELECT m.id, m.body, m.epoch, m.tries FROM service_message m
 WHERE m.service_id = :id AND m.given_up = 0 AND m.id > :after ORDER BY m.id LIMIT 1;
