-- The job of a service that had ended, once more; what it runs is written when it is claimed.
UPDATE job
   SET state = 'pending', waits_for = NULL, run_at = :now, finished_at = NULL, started_at = NULL,
       updated_at = :now, cancel_requested_at = NULL, cancel_force = 0, crash_count = 0, progress = NULL,
       error = NULL
 WHERE id = :id AND finished_at IS NOT NULL
RETURNING epoch;
