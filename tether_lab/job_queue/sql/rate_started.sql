-- The starts under a key, one more.
INSERT INTO rate (key, starts, window) VALUES (:key, :starts, :window)
ON CONFLICT (key) DO UPDATE SET starts = excluded.starts, window = excluded.window;
