-- Those who wait for a job, with how they stand.
SELECT e.child, e.name, e.policy, e.state, j.state, j.finished_at, j.cancel_requested_at, j.epoch, j.chain_id, j.batch_id,
       j.has_children, e.verdict, e.trouble, j.started_at IS NULL
  FROM edge e JOIN job j ON j.id = e.child WHERE e.parent = :id AND (:child IS NULL OR e.child = :child) ORDER BY e.child;
