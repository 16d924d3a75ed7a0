-- Those that waited for the end of a pause; what still holds them is said again at once.
UPDATE job INDEXED BY job_held SET waits_for = NULL
 WHERE waits_for IS NOT NULL AND state = 'pending' AND (waits_for = 'paused' OR waits_for LIKE 'paused:%');
