-- Who wants a slot of this key, in the order of the strategy that the newest of them asked for. Jobs of
-- paused queues want none. A pending one may be waiting for its rate.
SELECT id, state, slot_max FROM job INDEXED BY job_slot
 WHERE slot_key IS NOT NULL AND state IN ('running', 'pending', 'blocked') AND slot_key = :key
   AND (state = 'pending' OR (state = 'blocked' AND waits_for = 'slot:' || :key))
   AND queue NOT IN (SELECT queue FROM paused)
 ORDER BY CASE :strategy WHEN 'lifo' THEN -id WHEN 'random' THEN random()
                         WHEN 'by_priority' THEN -priority ELSE id END, run_at, id
 LIMIT :limit;
