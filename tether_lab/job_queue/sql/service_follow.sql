-- What an attempt of a service runs: the newest version of its handler, as the service says. Fenced.
UPDATE job SET key = :key, handler_id = :handler_id, payload = :payload, options = :options, key_id = :key_id,
       mac = :mac
 WHERE id = :id AND epoch = :epoch AND worker = :worker AND state = 'running';
