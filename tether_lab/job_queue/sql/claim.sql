-- Takes the job: the new epoch is what every later write of this attempt must show.
UPDATE job
   SET state = 'running', attempt = attempt + 1, epoch = epoch + 1, worker = ?, boot_id = ?,
       lease_until = ?, started_at = ?, updated_at = ?, progress = NULL
 WHERE id = ? AND epoch = ? AND state = 'pending' AND waits_for IS NULL;
