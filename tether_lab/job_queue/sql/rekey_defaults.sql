-- Encrypted defaults of a key, closed anew.
UPDATE handler SET defaults = :defaults WHERE key = :key;
