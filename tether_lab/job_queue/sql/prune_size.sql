-- Bytes of captures and results that would go with old jobs: not the captures of handlers as they are now, which
-- no removal gives back. What nobody refers to any more goes by itself, a day later.
SELECT coalesce(sum(b.size), 0) FROM blob b
 WHERE EXISTS (SELECT 1 FROM result_blob WHERE digest = b.digest)
    OR EXISTS (SELECT 1 FROM job_blob WHERE digest = b.digest)
    OR EXISTS (SELECT 1 FROM handler_blob h WHERE h.digest = b.digest
                  AND NOT EXISTS (SELECT 1 FROM handler WHERE head = h.handler_id));
