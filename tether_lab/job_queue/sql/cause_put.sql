-- Add a trigger, or give the one of this name another meaning.
INSERT INTO cause (uuid, name, kind, key, about, payload, options, after_key, seen_at, created_at, key_id, mac)
VALUES (:uuid, :name, :kind, :key, :about, :payload, :options, :after_key, :now, :now, :key_id, :mac)
ON CONFLICT (name) DO UPDATE SET kind = :kind, key = :key, about = :about, payload = :payload, options = :options,
       after_key = :after_key, paused = 0, trouble = NULL, key_id = :key_id, mac = :mac,
       seen_at = iif(kind = :kind AND about = :about AND paused = 0, seen_at, :now);
