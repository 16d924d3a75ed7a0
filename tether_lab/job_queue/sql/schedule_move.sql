-- The fires up to now are dealt with. Under the write lock, so nobody else deals with them as well.
UPDATE schedule SET next_at = :next_at, trouble = :trouble WHERE id = :id;
