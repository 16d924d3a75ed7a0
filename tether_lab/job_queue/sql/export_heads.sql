-- The newest version of each key, with what belongs to the key.
SELECT h.key, v.uuid, h.head, h.defaults, h.options FROM handler h JOIN handler_version v ON v.id = h.head
 WHERE :key IS NULL OR h.key = :key ORDER BY h.key;
