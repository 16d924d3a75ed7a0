-- Handler versions that another key signed, in order: rotation, and trust in a foreign lab.
SELECT v.* FROM handler_version v WHERE v.key_id <> :key_id AND v.id > :after ORDER BY v.id LIMIT 100;
