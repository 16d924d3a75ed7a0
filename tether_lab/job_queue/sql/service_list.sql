-- Services as they stand, with their job, the process of its newest attempt, and the messages that wait.
SELECT s.id, s.uuid, s.name, s.key, s.payload, s.options, s.update_every, s.title, s.body, s.note, s.note_at,
       s.wanted, s.job_id, s.started_epoch, s.changed_at, s.created_at, s.key_id, s.mac,
       j.state, j.epoch, j.run_at, j.error, j.started_at, a.pid, coalesce(j.cancel_requested_at IS NOT NULL AND j.finished_at IS NULL, 0),
       (SELECT count(*) FROM service_message m WHERE m.service_id = s.id AND m.given_up = 0)
  FROM service s LEFT JOIN job j ON j.id = s.job_id
       LEFT JOIN attempt a ON a.job_id = j.id AND a.epoch = j.epoch
 WHERE (:name IS NULL OR s.name = :name) AND (:job IS NULL OR s.job_id = :job)
 ORDER BY s.name;
