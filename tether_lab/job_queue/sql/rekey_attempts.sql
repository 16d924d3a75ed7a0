-- What attempts of a job said, where it is encrypted.
SELECT epoch, error, traceback FROM attempt WHERE job_id = :id AND (error LIKE 'tl1.%' OR traceback LIKE 'tl1.%');
