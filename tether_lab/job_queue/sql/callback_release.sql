-- Its moment has come: once, whatever happens later. What was not needed before may be needed now.
UPDATE job SET state = 'pending', waits_for = NULL, finished_at = NULL, updated_at = :now, error = NULL, run_at = :now
 WHERE id = :id AND epoch = 0 AND (state = 'blocked' OR (state = 'skipped' AND cancel_requested_at IS NULL))
RETURNING id;
