-- A callback waits until what it belongs to has come so far.
UPDATE job SET state = 'blocked', waits_for = :waits_for WHERE id = :id;
