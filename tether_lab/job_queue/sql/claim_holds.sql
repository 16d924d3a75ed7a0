-- Whether a claim still holds: what an attempt asks for is done for its holder alone.
SELECT 1 FROM job WHERE id = :id AND epoch = :epoch AND worker = :worker AND state = 'running';
