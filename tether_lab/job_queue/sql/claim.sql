-- Takes the job: the new epoch is what every later write of this attempt must show. One that is claimed
-- ahead of its start waits for 'runner' until it is known to have begun.
UPDATE job
   SET state = 'running', attempt = attempt + 1, epoch = epoch + 1, worker = ?, boot_id = ?,
       lease_until = ?, started_at = ?, updated_at = ?, progress = NULL,
       waits_for = ?
 WHERE id = ? AND epoch = ? AND state = 'pending' AND waits_for IS NULL;
