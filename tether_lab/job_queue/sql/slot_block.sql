-- All others of this key wait for a slot.
UPDATE job INDEXED BY job_slot SET state = 'blocked', waits_for = 'slot:' || :key, updated_at = :now
 WHERE slot_key IS NOT NULL AND state IN ('running', 'pending', 'blocked') AND slot_key = :key
   AND state = 'pending' AND (waits_for IS NULL OR waits_for NOT LIKE 'paused%')
   AND id NOT IN (SELECT value FROM json_each(:ids));
