-- Who waits for whom in a chain.
SELECT e.parent, e.child, e.policy FROM edge e JOIN job j ON j.id = e.child WHERE j.chain_id = :id
 ORDER BY e.child, e.parent;
