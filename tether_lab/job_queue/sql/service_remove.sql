-- A service goes, with its messages; its job goes with it.
DELETE FROM service WHERE id = :id;
