-- It is not needed.
UPDATE job SET state = 'skipped', finished_at = :now, updated_at = :now, waits_for = NULL, error = :reason
 WHERE id = :id AND state = 'blocked';
