-- One pass over the table: for a person's glance, not for a loop.
SELECT state, count(*) FROM job GROUP BY state;
