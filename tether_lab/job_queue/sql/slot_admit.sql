-- Their turn has come.
UPDATE job SET state = 'pending', waits_for = NULL, updated_at = :now
 WHERE id IN (SELECT value FROM json_each(:ids)) AND state = 'blocked' AND waits_for = 'slot:' || :key;
