-- Which process runs the attempt, since when.
UPDATE attempt SET pid = :pid, started_at = :at WHERE job_id = :id AND epoch = :epoch;
