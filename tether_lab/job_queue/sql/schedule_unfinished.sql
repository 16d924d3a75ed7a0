-- The jobs of a schedule that have not ended.
SELECT j.id FROM fire f JOIN job j ON j.id = f.job_id
 WHERE f.schedule_id = :id AND f.job_id IS NOT NULL AND j.finished_at IS NULL ORDER BY f.at;
