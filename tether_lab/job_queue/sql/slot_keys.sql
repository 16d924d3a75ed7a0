-- Keys that somebody waits for a slot of.
SELECT DISTINCT slot_key FROM job INDEXED BY job_slot
 WHERE slot_key IS NOT NULL AND state IN ('running', 'pending', 'blocked')
   AND (state = 'pending' OR (state = 'blocked' AND waits_for = 'slot:' || slot_key));
