-- A job that was to run again waits for its parents first.
UPDATE job SET deps_left = :deps_left, state = iif(:deps_left, 'blocked', state),
       waits_for = iif(:deps_left, 'dependency', NULL), updated_at = :now
 WHERE id = :id;
