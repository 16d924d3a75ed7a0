-- An attempt that never began.
DELETE FROM attempt WHERE job_id = ? AND epoch = ?;
