-- All rows of an attempt, to be written anew (clear_output, a folded tail).
DELETE FROM output WHERE job_id = :id AND epoch = :epoch;
