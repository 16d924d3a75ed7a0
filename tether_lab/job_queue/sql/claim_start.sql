-- User code begins now: loading what it captured is over. Fenced.
UPDATE job SET started_at = :at, updated_at = :at
 WHERE id = :id AND epoch = :epoch AND worker = :worker AND state = 'running';
