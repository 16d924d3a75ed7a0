-- Jobs by number, for those who heard which ones changed.
SELECT j.*, v.version AS handler_version, v.kind FROM job j JOIN handler_version v ON v.id = j.handler_id
 WHERE j.id IN (SELECT value FROM json_each(:ids));
