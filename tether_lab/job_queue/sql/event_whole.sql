-- Both events of a whole attempt, in one statement: AUTOINCREMENT counts once for the two.
INSERT INTO event (job_id, epoch, kind, at, detail) VALUES (?, ?, 'started', ?, '{}'), (?, ?, 'succeeded', ?, '{}');
