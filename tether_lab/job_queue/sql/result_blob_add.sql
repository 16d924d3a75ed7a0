-- What a result holds may not be pruned.
INSERT OR IGNORE INTO result_blob (job_id, digest) VALUES (:job_id, :digest);
