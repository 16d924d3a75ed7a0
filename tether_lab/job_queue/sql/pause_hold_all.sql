-- Everything is paused.
UPDATE job INDEXED BY job_ready SET waits_for = 'paused' WHERE state = 'pending' AND waits_for IS NULL;
