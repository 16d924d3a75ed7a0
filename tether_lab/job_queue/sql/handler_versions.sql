-- All versions of a key, newest first.
SELECT v.* FROM handler_version v WHERE v.key = :key ORDER BY v.id DESC;
