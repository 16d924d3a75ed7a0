-- Jobs with a window or constraints that are due: those that might start now, those that could not, and
-- those that a limit holds back, whose turn may come in this very transaction.
SELECT id, epoch, options, state, waits_for FROM job INDEXED BY job_gated
 WHERE gated = 1 AND state IN ('pending', 'blocked')
   AND (state = 'pending' AND waits_for IS NULL OR waits_for GLOB 'constraint:*'
        OR waits_for GLOB 'slot:*' OR waits_for GLOB 'rate:*')
 ORDER BY id LIMIT 1000;
