-- What waits for its time in a paused queue waits for the end of the pause first.
UPDATE job INDEXED BY job_held SET waits_for = 'paused:' || queue
 WHERE waits_for IS NOT NULL AND state = 'pending' AND waits_for >= 'rate:' AND waits_for < 'rate<'
   AND queue IN (SELECT queue FROM paused);
