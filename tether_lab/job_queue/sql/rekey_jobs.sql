-- Jobs that another key signed. Running ones are left: their worker would lose them.
SELECT j.id, j.uuid, j.key, v.version, j.payload, j.options, j.progress, j.error, j.key_id, j.mac
  FROM job j JOIN handler_version v ON v.id = j.handler_id
 WHERE j.key_id <> :key_id AND j.id > :after AND j.state <> 'running' ORDER BY j.id LIMIT 100;
