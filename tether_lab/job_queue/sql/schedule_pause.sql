-- Pauses, or goes on at the next fire from now.
UPDATE schedule SET paused = :paused, next_at = :next_at, trouble = NULL, updated_at = :now WHERE id = :id;
