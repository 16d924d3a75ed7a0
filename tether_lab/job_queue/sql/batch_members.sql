-- A batch's jobs, in the order of its items.
SELECT id, state FROM job WHERE batch_id = :id ORDER BY id;
