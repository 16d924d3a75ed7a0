-- finish.sql for the end that most have: completed, nothing said of progress, and nobody waits for it. Fenced
-- alike; no row changed means that finish.sql must look.
UPDATE job
   SET state = 'completed', finished_at = ?, updated_at = ?, started_at = ?, error = NULL, waits_for = NULL,
       worker = NULL, boot_id = NULL, lease_until = NULL
 WHERE id = ? AND epoch = ? AND worker = ? AND state = 'running'
   AND has_children = 0 AND chain_id IS NULL AND batch_id IS NULL;
