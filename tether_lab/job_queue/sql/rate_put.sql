-- The starts under a key, and when the next may be: what the worker sleeps until.
INSERT INTO rate (key, starts, window, next_at) VALUES (:key, :starts, :window, :next_at)
ON CONFLICT (key) DO UPDATE SET starts = excluded.starts, window = excluded.window, next_at = excluded.next_at;
