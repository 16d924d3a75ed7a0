-- What is asked before a job may start, for its card; see chain_edges.sql.
SELECT e.parent, e.child, e.policy, e.name, coalesce(v.source, ''), e.verdict, e.trouble
  FROM edge e JOIN job j ON j.id = e.child JOIN job p ON p.id = e.parent
  JOIN json_each(p.options, '$.judges') w ON w.value LIKE j.uuid || '=%'
  LEFT JOIN handler_version v ON v.key = '~condition' AND v.version = substr(w.value, length(j.uuid) + 2)
 WHERE j.id = :id ORDER BY e.parent;
