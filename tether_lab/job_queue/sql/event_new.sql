-- event_add.sql for jobs that this transaction has just changed: they exist.
INSERT INTO event (epoch, kind, at, detail, job_id) VALUES (?, ?, ?, ?, ?);
