-- Jobs that did not start in time. The index holds only jobs that may still expire, so this costs nothing
-- where nobody set a deadline; a job that has started once does not expire on its second attempt.
UPDATE job INDEXED BY job_expiring
   SET state = 'expired', waits_for = NULL, finished_at = :now, updated_at = :now,
       error = 'it did not start in time' || coalesce(': it waited for ' || waits_for, '')
 WHERE expires_at <= :now AND expires_at IS NOT NULL AND started_at IS NULL
   AND state IN ('blocked', 'scheduled', 'pending')
RETURNING id, epoch, has_children, chain_id, batch_id;
