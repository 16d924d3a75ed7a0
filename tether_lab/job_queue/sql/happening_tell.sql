-- Something that is no change of state, if anybody hooks it. ':' to char(59) are all names of one kind.
INSERT INTO happening (kind, job_id, epoch, state, attempt, started_at, error, at, detail)
SELECT :kind, id, epoch, state, attempt, started_at, error, :at, :detail FROM job
 WHERE id = :id AND EXISTS (SELECT 1 FROM handler WHERE key >= '~' || :kind || ':' AND key < '~' || :kind || char(59));
