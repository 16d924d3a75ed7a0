-- Versions of handlers that no key stands for any more and no job remembers, made before a moment. Looked for
-- outside of a transaction: jobs have no index by version.
SELECT v.id FROM handler_version v
 WHERE v.created_at < :before AND substr(v.key, 1, 1) <> '~'
   AND NOT EXISTS (SELECT 1 FROM handler WHERE head = v.id)
   AND v.id NOT IN (SELECT handler_id FROM job)
 ORDER BY v.id LIMIT :limit;
