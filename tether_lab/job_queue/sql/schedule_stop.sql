-- A rule that cannot be read here (a time zone that this machine does not know) must not stop the others.
UPDATE schedule SET paused = 1, trouble = :trouble WHERE id = :id;
