-- The newest chains (or one), each with its jobs by state and the failures that everybody behind them goes on after.
SELECT c.id, c.uuid, c.name, c.created_at, c.finished_at,
       (SELECT json_group_object(state, jobs) FROM (
            SELECT state, count(*) AS jobs FROM job WHERE chain_id = c.id GROUP BY state)) AS counts,
       (SELECT count(*) FROM job j WHERE j.chain_id = c.id AND j.state IN ('failed', 'expired')
           AND EXISTS (SELECT 1 FROM edge WHERE edge.parent = j.id)
           AND NOT EXISTS (SELECT 1 FROM edge WHERE edge.parent = j.id AND edge.policy = 'fail')) AS tolerated
  FROM chain c WHERE :id IS NULL OR c.id = :id ORDER BY c.id DESC LIMIT :limit;
