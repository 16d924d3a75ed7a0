-- A chain's jobs, in the order of its steps.
SELECT id, state FROM job WHERE chain_id = :id ORDER BY id;
