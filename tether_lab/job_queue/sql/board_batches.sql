-- The newest batches.
SELECT id, uuid, name, total, completed, failed, cancelled, expired, skipped, created_at, finished_at
  FROM batch ORDER BY id DESC LIMIT :limit;
