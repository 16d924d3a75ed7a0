-- A worker's name is never used twice, so this is always a new row.
INSERT INTO worker (id, pid, boot_id, host, version, runners, state, started_at, beat_at, detail)
VALUES (:id, :pid, :boot_id, :host, :version, :runners, 'running', :now, :now, :detail);
