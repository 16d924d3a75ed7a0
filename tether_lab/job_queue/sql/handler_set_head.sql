-- The newest registration is the head, also when it is an old version again.
INSERT INTO handler (key, head, defaults, options, updated_at)
VALUES (:key, :head, :defaults, :options, :now)
ON CONFLICT (key) DO UPDATE SET head = excluded.head, defaults = excluded.defaults,
       options = excluded.options, updated_at = excluded.updated_at;
