-- Keeps a claim. No row changed means that it is lost: kill the process, write nothing else.
UPDATE job SET lease_until = :lease_until
 WHERE id = :id AND epoch = :epoch AND worker = :worker AND state = 'running';
