-- The word that an attempt started, which never began.
DELETE FROM event WHERE job_id = ? AND epoch = ? AND kind = 'started';
