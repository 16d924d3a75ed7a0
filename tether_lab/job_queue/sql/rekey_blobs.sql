-- Encrypted blobs, by name; those without data are files.
SELECT digest, data FROM blob WHERE length(digest) > 40 AND digest > :after ORDER BY digest LIMIT 20;
