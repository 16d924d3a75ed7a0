-- Those whom a job waits for, with how they stand.
SELECT e.parent, e.name, e.policy, e.state, j.state, j.finished_at IS NOT NULL, e.verdict
  FROM edge e JOIN job j ON j.id = e.parent WHERE e.child = :id ORDER BY e.parent;
