-- One trigger.
SELECT id, uuid, name, kind, key, about, payload, options, after_key, paused, trouble, fired, fired_at, seen_at, job_id, created_at, key_id, mac FROM cause WHERE name = :name;
