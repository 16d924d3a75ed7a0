-- The ids that the next jobs would get start after this one.
SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'job'), 0);
