-- Bytes of captures and results that somebody refers to: what is left over goes by itself, a day later.
SELECT coalesce(sum(b.size), 0) FROM blob b
 WHERE EXISTS (SELECT 1 FROM result_blob WHERE digest = b.digest)
    OR EXISTS (SELECT 1 FROM job_blob WHERE digest = b.digest)
    OR EXISTS (SELECT 1 FROM handler_blob WHERE digest = b.digest);
