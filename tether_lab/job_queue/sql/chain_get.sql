-- One chain.
SELECT id, uuid, name, created_at, finished_at FROM chain WHERE id = :id;
