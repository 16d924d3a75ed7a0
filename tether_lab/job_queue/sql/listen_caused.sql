-- Ends of jobs are written down for triggers that wait for them, with the end itself. There only while there
-- is such a trigger.
CREATE TRIGGER IF NOT EXISTS job_caused AFTER UPDATE OF finished_at ON job
WHEN NEW.finished_at IS NOT NULL AND OLD.finished_at IS NULL
 AND EXISTS (SELECT 1 FROM cause INDEXED BY cause_after WHERE after_key = NEW.key AND after_key IS NOT NULL AND paused = 0)
BEGIN
    INSERT INTO caused (cause_id, job_id, job_uuid, job_key, state)
    SELECT id, NEW.id, NEW.uuid, NEW.key, NEW.state FROM cause INDEXED BY cause_after
     WHERE after_key = NEW.key AND after_key IS NOT NULL AND paused = 0
       AND instr(about, '"' || NEW.state || '"') > 0;
END;
