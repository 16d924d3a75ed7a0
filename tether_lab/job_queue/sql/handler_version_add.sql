-- Versions are never changed: what a job was enqueued with is what it runs.
INSERT INTO handler_version (uuid, key, version, kind, source, parameters, manifest, interpreter, provenance,
                             created_at, key_id, mac)
VALUES (:uuid, :key, :version, :kind, :source, :parameters, :manifest, :interpreter, :provenance,
        :created_at, :key_id, :mac);
