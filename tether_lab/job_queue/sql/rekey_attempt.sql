-- The same, closed anew.
UPDATE attempt SET error = :error, traceback = :traceback WHERE job_id = :id AND epoch = :epoch;
