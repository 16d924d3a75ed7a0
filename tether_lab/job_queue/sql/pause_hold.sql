-- Pending jobs of paused queues leave the index that claims read, and say why they wait.
UPDATE job INDEXED BY job_ready SET waits_for = 'paused:' || queue
 WHERE state = 'pending' AND waits_for IS NULL AND queue IN (SELECT queue FROM paused);
