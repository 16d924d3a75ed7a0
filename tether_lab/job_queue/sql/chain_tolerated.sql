-- Failures that everybody behind them goes on after, or leaves out.
SELECT count(*) FROM job j WHERE j.chain_id = :id AND j.state IN ('failed', 'expired')
   AND EXISTS (SELECT 1 FROM edge WHERE edge.parent = j.id)
   AND NOT EXISTS (SELECT 1 FROM edge WHERE edge.parent = j.id AND edge.policy = 'fail');
