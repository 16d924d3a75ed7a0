-- What a service sent, if it is one and somebody hooks it.
INSERT INTO happening (kind, job_id, epoch, state, attempt, started_at, error, at, detail)
SELECT 'on_service_event', id, epoch, state, attempt, started_at, error, :at, :detail FROM job
 WHERE id = :id AND EXISTS (SELECT 1 FROM service WHERE job_id = :id)
   AND EXISTS (SELECT 1 FROM handler WHERE key >= '~on_service_event:' AND key < '~on_service_event' || char(59));
