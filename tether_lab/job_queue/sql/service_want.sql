-- Whether it is meant to run.
UPDATE service SET wanted = :wanted, changed_at = :now WHERE id = :id;
