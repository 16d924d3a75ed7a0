-- An event for a job that may be gone by now.
INSERT INTO event (job_id, epoch, kind, at, detail)
SELECT id, epoch, :kind, :at, :detail FROM job WHERE id = :id;
