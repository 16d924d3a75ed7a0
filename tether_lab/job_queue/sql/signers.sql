-- How many handlers and jobs each key signed, for whoever is asked to trust them.
SELECT key_id, sum(handlers), sum(jobs) FROM (
    SELECT key_id, count(*) AS handlers, 0 AS jobs FROM handler_version GROUP BY key_id
    UNION ALL SELECT key_id, 0, count(*) FROM job GROUP BY key_id)
 GROUP BY key_id ORDER BY key_id;
