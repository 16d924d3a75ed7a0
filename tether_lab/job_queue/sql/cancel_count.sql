-- Where they stand before anything changes: what the caller is told.
SELECT state, count(*) FROM job WHERE id IN (SELECT value FROM json_each(:ids)) GROUP BY state;
