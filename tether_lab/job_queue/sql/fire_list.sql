-- What became of the last fires, newest first.
SELECT at, seen_at, outcome, job_id FROM fire WHERE schedule_id = :id ORDER BY at DESC LIMIT :limit;
