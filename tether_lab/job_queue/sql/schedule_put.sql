-- Adds a schedule, or gives the one of this name its new rule: running a cell again adds none. With the
-- same rule the next fire stays, also one that was missed and is still to be made up for.
INSERT INTO schedule (uuid, name, key, rule, payload, options, next_at, created_at, updated_at, key_id, mac)
VALUES (:uuid, :name, :key, :rule, :payload, :options, :next_at, :now, :now, :key_id, :mac)
    ON CONFLICT (name) DO UPDATE SET key = excluded.key, rule = excluded.rule, payload = excluded.payload,
       options = excluded.options, next_at = iif(rule = excluded.rule, next_at, excluded.next_at), trouble = NULL, updated_at = excluded.updated_at,
       key_id = excluded.key_id, mac = excluded.mac;
