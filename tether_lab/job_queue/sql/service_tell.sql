-- A message for a service.
INSERT INTO service_message (service_id, at, body) VALUES (:id, :now, :body);
