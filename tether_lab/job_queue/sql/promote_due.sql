-- What waited for a moment that has come. job_timed has the states one after the other, each by time;
-- the first term is the index's own, which SQLite wants to see word for word before it uses it.
UPDATE job INDEXED BY job_timed SET state = 'pending', waits_for = NULL, updated_at = :now
 WHERE (state = 'running' OR state = 'scheduled' OR state = 'retrying')
   AND state IN ('scheduled', 'retrying') AND run_at <= :now;
