-- How many jobs of each key and queue stand where, and how many of them ended lately: one pass over the table.
SELECT key, queue, state, count(*) AS jobs, count(*) FILTER (WHERE finished_at >= :hour) AS hour,
       count(*) FILTER (WHERE finished_at >= :day) AS day
  FROM job WHERE queue <> '~services' AND substr(key, 1, 1) <> '~' GROUP BY key, queue, state;
