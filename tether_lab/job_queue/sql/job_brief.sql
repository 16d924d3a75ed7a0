-- How a job is called and how it stands.
SELECT id, coalesce(step, key), state FROM job WHERE id = :id;
