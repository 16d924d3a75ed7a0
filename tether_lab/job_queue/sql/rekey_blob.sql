-- A small one, closed anew.
UPDATE blob SET data = :data, size = :size WHERE digest = :digest;
