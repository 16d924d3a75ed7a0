-- How a job stands, and what counts it.
SELECT state, chain_id, batch_id FROM job WHERE id = :id;
