-- Everything is paused, but for what is ours.
UPDATE job INDEXED BY job_ready SET waits_for = 'paused'
 WHERE state = 'pending' AND waits_for IS NULL AND substr(queue, 1, 1) <> '~';
