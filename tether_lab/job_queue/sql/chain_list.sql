-- The newest chains.
SELECT id FROM chain ORDER BY id DESC LIMIT :limit;
