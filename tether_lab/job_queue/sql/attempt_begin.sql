-- The row of an attempt that was claimed ahead, once it is known to have begun, or how it ended: at the claim
-- none was written. (It is there where an older worker claimed the job.)
INSERT INTO attempt (job_id, epoch, attempt, worker, started_at) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (job_id, epoch) DO NOTHING;
