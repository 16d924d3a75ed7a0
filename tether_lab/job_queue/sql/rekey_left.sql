-- How many signed rows a key still holds: while there are any, it must not go.
SELECT (SELECT count(*) FROM handler_version WHERE key_id = :key_id) + (SELECT count(*) FROM job WHERE key_id = :key_id)
     + (SELECT count(*) FROM result WHERE key_id = :key_id) + (SELECT count(*) FROM memo WHERE key_id = :key_id)
     + (SELECT count(*) FROM schedule WHERE key_id = :key_id) + (SELECT count(*) FROM service WHERE key_id = :key_id)
     + (SELECT count(*) FROM cause WHERE key_id = :key_id);
