-- What waits ends at once: nobody works on it.
UPDATE job SET state = 'cancelled', waits_for = NULL, finished_at = :now, updated_at = :now, cancel_requested_at = :now,
       error = 'cancelled by user'
 WHERE id IN (SELECT value FROM json_each(:ids)) AND state IN ('blocked', 'scheduled', 'pending', 'retrying');
