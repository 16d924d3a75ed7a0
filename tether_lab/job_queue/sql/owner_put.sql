-- It is this key's from now on.
INSERT INTO meta (key, value) VALUES ('owner', :owner) ON CONFLICT (key) DO UPDATE SET value = excluded.value;
