-- Who waits for whom in a chain, and what is asked about the results: the option judges of the parent names the
-- child's uuid and the version of its condition.
SELECT e.parent, e.child, e.policy, e.name, iif(w.value IS NULL, NULL, coalesce(v.source, '')), e.verdict, e.trouble
  FROM edge e JOIN job j ON j.id = e.child JOIN job p ON p.id = e.parent
  LEFT JOIN json_each(p.options, '$.judges') w ON w.value LIKE j.uuid || '=%'
  LEFT JOIN handler_version v ON v.key = '~condition' AND v.version = substr(w.value, length(j.uuid) + 2)
 WHERE j.chain_id = :id ORDER BY e.child, e.parent;
