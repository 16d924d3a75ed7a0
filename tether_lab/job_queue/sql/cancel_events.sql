-- Before the update, because it needs the state before: asked of what runs, done to what waits.
INSERT INTO event (job_id, epoch, kind, at, detail)
SELECT id, epoch, iif(state = 'running', 'cancel_requested', 'cancelled'), :now, :detail FROM job
 WHERE id IN (SELECT value FROM json_each(:ids))
   AND (state IN ('blocked', 'scheduled', 'pending', 'retrying')
        OR (state = 'running' AND (cancel_requested_at IS NULL OR :force > cancel_force)));
