-- The job has a window or constraints.
UPDATE job SET gated = 1 WHERE id = :id;
