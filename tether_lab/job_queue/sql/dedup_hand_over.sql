-- The holder has begun; the newer job takes the key.
UPDATE job SET dedup_key = NULL WHERE id = :id;
