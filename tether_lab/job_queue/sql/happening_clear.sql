-- What was told is forgotten.
DELETE FROM happening WHERE id <= :last;
