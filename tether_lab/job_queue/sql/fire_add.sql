-- A fire is dealt with once: a second one of the same moment changes nothing.
INSERT INTO fire (schedule_id, at, seen_at, outcome, job_id) VALUES (:id, :at, :now, :outcome, :job_id)
    ON CONFLICT (schedule_id, at) DO NOTHING;
