-- Jobs of a chain about whose results a condition raised, so that the step behind it failed.
SELECT e.parent FROM edge e JOIN job j ON j.id = e.child
 WHERE j.chain_id = :id AND e.state = 'broken' AND e.verdict = 'failed' AND j.state = 'failed';
