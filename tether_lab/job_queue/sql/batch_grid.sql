-- How each job of a batch stands, in the order of the items: light enough for ten thousand.
SELECT id, state, attempt, started_at, finished_at FROM job WHERE batch_id = :id ORDER BY id;
