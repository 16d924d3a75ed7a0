-- A pause begins; one that is there already goes on.
INSERT INTO paused (queue, at) VALUES (?, ?) ON CONFLICT (queue) DO NOTHING;
