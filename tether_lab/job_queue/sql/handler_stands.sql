-- Is the head of a key still what somebody prepared jobs for? Asked in the transaction that adds them, with
-- what else that transaction must know: blobs to touch, a pause.
SELECT head, defaults, options,
       EXISTS (SELECT 1 FROM handler_blob h JOIN blob b ON b.digest = h.digest
                WHERE h.handler_id = handler.head AND b.touched_at < :now - 3600000000),
       EXISTS (SELECT 1 FROM paused)
  FROM handler WHERE key = :key;
