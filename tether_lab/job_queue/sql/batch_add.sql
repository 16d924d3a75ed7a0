-- A batch; its jobs name it.
INSERT INTO batch (uuid, name, total, created_at) VALUES (:uuid, :name, :total, :now) RETURNING id;
