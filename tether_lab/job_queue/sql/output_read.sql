-- The output of one attempt; without an epoch, of the latest attempt there was.
SELECT seq, epoch, body FROM output
 WHERE job_id = :job_id AND seq > :after
   AND epoch = coalesce(:epoch, (SELECT max(epoch) FROM attempt WHERE job_id = :job_id))
 ORDER BY seq;
