-- It makes no more jobs; those there are stay.
DELETE FROM cause WHERE id = :id;
