-- finish_plain.sql for a job that was claimed ahead, which may belong to a batch: who calls counts in that.
UPDATE job
   SET state = 'completed', finished_at = ?, updated_at = ?, started_at = ?, error = NULL, waits_for = NULL,
       worker = NULL, boot_id = NULL, lease_until = NULL
 WHERE id = ? AND epoch = ? AND worker = ? AND state = 'running'
   AND has_children = 0 AND chain_id IS NULL AND batch_id IS ?;
