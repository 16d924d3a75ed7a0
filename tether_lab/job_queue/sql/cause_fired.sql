-- What became of it: a job, or why there was none.
UPDATE cause SET fired = fired + (:job_id IS NOT NULL), fired_at = coalesce(iif(:job_id IS NULL, NULL, :now), fired_at),
       seen_at = max(seen_at, :now), job_id = coalesce(:job_id, job_id), trouble = :trouble
 WHERE id = :id;
