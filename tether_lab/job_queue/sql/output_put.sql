-- A batch of output; the moving tail is written again under its number.
INSERT INTO output (job_id, epoch, seq, at, body) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (job_id, epoch, seq) DO UPDATE SET at = excluded.at, body = excluded.body;
