-- The newest batches.
SELECT id FROM batch ORDER BY id DESC LIMIT :limit;
