-- What running services should hear of: their newest message, and when they were last said anew.
SELECT s.job_id, (SELECT max(id) FROM service_message m WHERE m.service_id = s.id), s.changed_at, s.id
  FROM service s WHERE s.job_id IN (SELECT value FROM json_each(:jobs));
