-- One pass over the table: for a person's glance, not for a loop. Internal jobs do not count.
SELECT state, count(*) FROM job WHERE queue <> '~services' AND substr(key, 1, 1) <> '~' GROUP BY state;
