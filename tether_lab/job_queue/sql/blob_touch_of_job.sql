-- What a retried job's handler refers to stays for a day at least.
UPDATE blob SET touched_at = :now
 WHERE digest IN (SELECT digest FROM handler_blob WHERE handler_id = (SELECT handler_id FROM job WHERE id = :id));
