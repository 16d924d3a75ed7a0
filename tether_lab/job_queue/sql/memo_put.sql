-- The newest value of a name counts.
INSERT INTO memo (job_id, name, epoch, kind, body, size, at, key_id, mac)
VALUES (:job_id, :name, :epoch, :kind, :body, :size, :at, :key_id, :mac)
    ON CONFLICT (job_id, name) DO UPDATE SET epoch = excluded.epoch, kind = excluded.kind, body = excluded.body,
       size = excluded.size, at = excluded.at, key_id = excluded.key_id, mac = excluded.mac;
