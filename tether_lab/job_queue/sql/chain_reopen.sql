-- Some of its jobs run again.
UPDATE chain SET finished_at = NULL WHERE id = :id;
