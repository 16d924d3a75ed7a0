-- The jobs that run now, the longest first; the state stands as the index has it.
SELECT j.*, v.version AS handler_version, v.kind
  FROM job j INDEXED BY job_timed JOIN handler_version v ON v.id = j.handler_id
 WHERE j.state IN ('running', 'scheduled', 'retrying') AND j.state = 'running'
   AND j.queue <> '~services' AND substr(j.key, 1, 1) <> '~' ORDER BY j.started_at LIMIT :limit;
