-- What has happened and was not told yet, with what the job says of itself; empty but for an instant.
SELECT h.id, h.kind, h.job_id, h.epoch, h.state, h.attempt, h.started_at, h.error, h.at, h.detail,
       iif(h.kind = 'on_service_event', coalesce((SELECT name FROM service WHERE job_id = h.job_id), j.key), j.key),
       j.max_attempts, j.description, j.tags, j.options, j.handler_id,
       (SELECT a.error_type FROM attempt a WHERE a.job_id = h.job_id AND a.epoch = h.epoch)
  FROM happening h LEFT JOIN job j ON j.id = h.job_id AND h.kind NOT IN ('on_chain_complete', 'on_batch_complete')
 ORDER BY h.id LIMIT 1000;
