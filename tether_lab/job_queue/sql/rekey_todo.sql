-- How many handlers and jobs are not under the newest key yet: what a rotation has before it.
SELECT (SELECT count(*) FROM handler_version WHERE key_id <> :key_id)
     + (SELECT count(*) FROM job WHERE key_id <> :key_id);
