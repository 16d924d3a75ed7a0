-- Those that were followed are forgotten.
DELETE FROM caused WHERE id <= :last;
