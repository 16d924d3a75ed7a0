-- The contents that are files.
SELECT digest FROM blob WHERE data IS NULL ORDER BY touched_at DESC;
