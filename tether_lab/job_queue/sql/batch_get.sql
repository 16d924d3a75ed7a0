-- One batch.
SELECT id, uuid, name, total, completed, failed, cancelled, expired, skipped, created_at, finished_at
  FROM batch WHERE id = :id;
