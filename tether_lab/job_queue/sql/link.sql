-- A new job that waits for others, or is a step of a chain.
UPDATE job SET state = iif(:deps_left, 'blocked', state), waits_for = iif(:deps_left, 'dependency', waits_for),
       deps_left = :deps_left, step = :step
 WHERE id = :id;
