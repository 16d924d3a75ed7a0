-- Slots are counted from running rows, so that no crash can leak one.
SELECT count(*) FROM job INDEXED BY job_slot
 WHERE slot_key IS NOT NULL AND state IN ('running', 'pending', 'blocked')
   AND slot_key = ? AND state = 'running';
