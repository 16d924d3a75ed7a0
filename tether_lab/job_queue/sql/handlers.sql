-- Every key, by name.
SELECT h.key, h.head, v.version, v.kind, h.defaults, h.options, h.updated_at,
       (SELECT count(*) FROM handler_version c WHERE c.key = h.key) AS versions
  FROM handler h JOIN handler_version v ON v.id = h.head
 ORDER BY h.key;
