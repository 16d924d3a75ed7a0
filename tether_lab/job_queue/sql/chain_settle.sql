-- A chain whose jobs have all ended has ended.
UPDATE chain SET finished_at = :now
 WHERE id = :id AND finished_at IS NULL
   AND NOT EXISTS (SELECT 1 FROM job INDEXED BY job_of_chain WHERE chain_id = :id AND finished_at IS NULL)
RETURNING complete_id;
