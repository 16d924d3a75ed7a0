-- Content-addressed: an equal digest is equal content, so only the touch is new.
INSERT INTO blob (digest, size, data, touched_at) VALUES (:digest, :size, :data, :now)
ON CONFLICT (digest) DO UPDATE SET touched_at = excluded.touched_at;
