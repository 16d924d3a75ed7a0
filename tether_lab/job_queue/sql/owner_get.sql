-- Whose lab this is: the key that signed its uuid.
SELECT value FROM meta WHERE key = 'owner';
