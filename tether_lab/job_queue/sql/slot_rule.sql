-- The largest limit, and the strategy of the newest job, under one key.
SELECT wanted.most, job.slot_order
  FROM (SELECT max(slot_max) AS most, max(id) AS newest FROM job INDEXED BY job_slot
         WHERE slot_key IS NOT NULL AND state IN ('running', 'pending', 'blocked') AND slot_key = :key
           AND (state = 'pending' OR (state = 'blocked' AND waits_for = 'slot:' || :key))) AS wanted
  JOIN job ON job.id = wanted.newest;
