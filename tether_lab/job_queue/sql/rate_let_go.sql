-- Their time has come.
UPDATE job SET waits_for = NULL, updated_at = :now
 WHERE id IN (SELECT value FROM json_each(:ids)) AND state = 'pending' AND waits_for = 'rate:' || :key;
