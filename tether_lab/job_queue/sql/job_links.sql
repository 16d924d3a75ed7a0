-- What hangs on the end of these jobs.
SELECT id, state, has_children, chain_id, batch_id FROM job
 WHERE id IN (SELECT value FROM json_each(:ids)) AND (has_children OR chain_id IS NOT NULL OR batch_id IS NOT NULL);
