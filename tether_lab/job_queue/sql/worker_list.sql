-- The newest first; there are few.
SELECT id, pid, boot_id, host, version, runners, state, started_at, beat_at, detail FROM worker
 ORDER BY started_at DESC, id;
