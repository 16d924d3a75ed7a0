-- What waits may be moved forward or back; what runs or has ended keeps what it had.
UPDATE job SET priority = :priority, updated_at = :now
 WHERE id = :id AND state IN ('blocked', 'scheduled', 'pending', 'retrying')
RETURNING epoch;
