-- The last starts under a key.
SELECT starts, window FROM rate WHERE key = ?;
