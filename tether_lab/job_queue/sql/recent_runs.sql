-- What the newest jobs did, an attempt a row: their ids say which are the newest, so that a look at a long
-- history stays a short one. Internal jobs do not count.
SELECT j.key, a.attempt, a.outcome, a.started_at, a.finished_at, max(j.created_at, j.run_at), j.state, j.id
  FROM job j JOIN attempt a ON a.job_id = j.id
 WHERE j.id > coalesce((SELECT max(id) FROM job), 0) - :most
   AND a.started_at >= :since AND substr(j.key, 1, 1) <> '~'
 ORDER BY a.started_at;
