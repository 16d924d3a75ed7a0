-- Every key, by name; what acts beside jobs (~…) is listed on its own.
SELECT h.key, h.head, v.version, v.kind, h.defaults, h.options, h.updated_at,
       (SELECT count(*) FROM handler_version c WHERE c.key = h.key) AS versions
  FROM handler h JOIN handler_version v ON v.id = h.head
 WHERE h.key NOT LIKE '~%'
 ORDER BY h.key;
