-- What a running attempt says belongs to a claim: a lost one may not add a line. Also what watchers see
-- change, and when user code began (loading what it captured is over).
UPDATE job SET progress = coalesce(:progress, progress), started_at = coalesce(:started_at, started_at),
       waits_for = NULL, updated_at = :now
 WHERE id = :id AND epoch = :epoch AND worker = :worker AND state = 'running';
