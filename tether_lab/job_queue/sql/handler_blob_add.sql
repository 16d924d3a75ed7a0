-- What a version holds may not be pruned.
INSERT OR IGNORE INTO handler_blob (handler_id, digest) VALUES (:handler_id, :digest);
