-- A parent's end is the end of this job, too: it never starts.
UPDATE job SET state = :state, finished_at = :now, updated_at = :now, error = :reason, waits_for = NULL
 WHERE id = :id AND state IN ('blocked', 'scheduled', 'pending') AND started_at IS NULL
RETURNING epoch;
