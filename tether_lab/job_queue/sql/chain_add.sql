-- A chain; its jobs name it.
INSERT INTO chain (uuid, name, created_at) VALUES (:uuid, :name, :now) RETURNING id;
