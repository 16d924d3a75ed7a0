-- Somebody asks for a service that waits after a death: now.
UPDATE job SET run_at = :now, updated_at = :now WHERE id = :id AND state = 'retrying';
