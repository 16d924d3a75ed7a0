-- Add a service, or say anew what the one of this name is: a running one starts again with it, unless
-- nothing changed.
INSERT INTO service (uuid, name, key, payload, options, update_every, title, body, wanted, changed_at, created_at, key_id, mac)
VALUES (:uuid, :name, :key, :payload, :options, :update_every, :title, :body, 1, :now, :now, :key_id, :mac)
ON CONFLICT (name) DO UPDATE SET key = :key, payload = :payload, options = :options, update_every = :update_every,
       title = :title, body = :body, key_id = :key_id, mac = :mac, wanted = 1,
       changed_at = iif(mac = :mac AND :again = 0, changed_at, :now);
