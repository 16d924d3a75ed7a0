-- These jobs, one after the other, are a chain's.
UPDATE job SET chain_id = :chain WHERE id BETWEEN :first AND :last;
