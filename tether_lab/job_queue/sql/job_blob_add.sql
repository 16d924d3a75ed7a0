-- What a payload holds may not be pruned.
INSERT OR IGNORE INTO job_blob (job_id, digest) VALUES (:job_id, :digest);
