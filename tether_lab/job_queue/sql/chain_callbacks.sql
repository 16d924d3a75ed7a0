-- The callback that a chain has.
UPDATE chain SET complete_id = :complete WHERE id = :id;
