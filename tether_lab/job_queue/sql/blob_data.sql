-- The bytes of a small blob, as they are stored.
SELECT data FROM blob WHERE digest = :digest AND data IS NOT NULL;
