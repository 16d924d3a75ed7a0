-- Output belongs to a claim: a lost one may not add a line. Also what watchers see change.
UPDATE job SET progress = coalesce(:progress, progress), updated_at = :now
 WHERE id = :id AND epoch = :epoch AND worker = :worker AND state = 'running';
