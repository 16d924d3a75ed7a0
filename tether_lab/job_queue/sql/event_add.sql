-- History for people and for the checkers of our promises. Selecting from job leaves out jobs that are
-- gone instead of failing on the foreign key.
INSERT INTO event (job_id, epoch, kind, at, detail) SELECT id, ?, ?, ?, ? FROM job WHERE id = ?;
