-- Ends of jobs that others wait for, not followed yet; empty but for an instant.
SELECT d.id, d.job_id, d.job_uuid, d.job_key, d.state, c.id, c.uuid, c.name, c.kind, c.key, c.about, c.payload, c.options, c.after_key, c.paused, c.trouble, c.fired, c.fired_at, c.seen_at, c.job_id, c.created_at, c.key_id, c.mac
  FROM caused d JOIN cause c ON c.id = d.cause_id ORDER BY d.id LIMIT 1000;
