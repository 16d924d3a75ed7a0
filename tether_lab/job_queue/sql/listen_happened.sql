-- Changes of jobs are written down for hooks, in the transaction of the change. There only while somebody
-- hooks or a job asks to notify: it costs a twentieth of a claim and its end. Internal jobs (keys with ~)
-- tell nobody; the two first conditions are one look each.
CREATE TRIGGER IF NOT EXISTS job_happened AFTER UPDATE OF state ON job
WHEN (EXISTS (SELECT 1 FROM handler WHERE key >= '~on_' AND key < '~on`') OR instr(NEW.options, '"notify":') > 0)
 AND NEW.state IN ('running', 'retrying', 'completed', 'failed', 'cancelled', 'expired')
 AND NEW.state <> OLD.state AND substr(NEW.key, 1, 1) <> '~' AND NEW.queue <> '~services'
BEGIN
    INSERT INTO happening (kind, job_id, epoch, state, attempt, started_at, error, at)
    VALUES (CASE NEW.state WHEN 'running' THEN 'on_start' WHEN 'retrying' THEN 'on_retry'
                           WHEN 'completed' THEN 'on_success' WHEN 'cancelled' THEN 'on_cancel'
                           ELSE 'on_failure' END,
            NEW.id, NEW.epoch, NEW.state, NEW.attempt, iif(OLD.state = 'running', NEW.started_at, NULL),
            NEW.error, NEW.updated_at);
END;
