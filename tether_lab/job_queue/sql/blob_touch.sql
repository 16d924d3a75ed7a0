-- What an enqueued job's handler refers to stays for a day at least, in the same transaction.
UPDATE blob SET touched_at = :now
 WHERE touched_at < :now - 3600000000
   AND digest IN (SELECT digest FROM handler_blob WHERE handler_id = :handler_id);
