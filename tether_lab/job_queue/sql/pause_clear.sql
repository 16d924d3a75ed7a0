-- Every pause ends.
DELETE FROM paused;
