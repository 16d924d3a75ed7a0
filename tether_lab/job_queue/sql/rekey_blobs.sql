-- Encrypted blobs, by name, and whether each is a file (it has no data here).
SELECT digest, data IS NULL FROM blob WHERE length(digest) > 40 AND digest > :after ORDER BY digest LIMIT 100;
