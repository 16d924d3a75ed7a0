-- A job as its claim gave it to a worker, for somebody who runs it once more beside the queue.
SELECT id, epoch, uuid, key, handler_id, payload, options, max(attempt, 1), max_attempts, crash_count,
       created_at, coalesce(started_at, created_at), key_id, mac
  FROM job WHERE id = :id;
