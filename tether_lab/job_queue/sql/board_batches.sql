-- The newest batches, or one.
SELECT id, uuid, name, total, completed, failed, cancelled, expired, skipped, created_at, finished_at
  FROM batch WHERE :id IS NULL OR id = :id ORDER BY id DESC LIMIT :limit;
