-- The parents of a job, and whether each has a result.
SELECT e.name, p.uuid, p.state, r.job_id FROM edge e JOIN job p ON p.id = e.parent
  LEFT JOIN result r ON r.job_id = p.id WHERE e.child = :id ORDER BY p.id;
