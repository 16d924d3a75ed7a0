-- Those that end at once and matter to others: children, a chain, a batch.
SELECT id FROM job WHERE id IN (SELECT value FROM json_each(:ids))
   AND state IN ('blocked', 'scheduled', 'pending', 'retrying')
   AND (has_children OR chain_id IS NOT NULL OR batch_id IS NOT NULL);
