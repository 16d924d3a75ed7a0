-- What runs is asked; its worker ends it. The first moment counts, force can be added later.
-- (+: by number; a few jobs are asked, and many may run.)
UPDATE job SET cancel_requested_at = coalesce(cancel_requested_at, :now), updated_at = :now,
       cancel_force = max(cancel_force, :force)
 WHERE id IN (SELECT value FROM json_each(:ids)) AND +state = 'running';
