-- A job under a new key, unless it began to run meanwhile.
UPDATE job SET payload = :payload, progress = :progress, error = :error, key_id = :key_id, mac = :mac
 WHERE id = :id AND state <> 'running';
