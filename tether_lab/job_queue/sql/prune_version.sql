-- One of them, with its hold on captures, unless somebody took it up meanwhile.
DELETE FROM handler_version WHERE id = :id
   AND NOT EXISTS (SELECT 1 FROM handler WHERE head = :id) AND NOT EXISTS (SELECT 1 FROM job WHERE handler_id = :id);
