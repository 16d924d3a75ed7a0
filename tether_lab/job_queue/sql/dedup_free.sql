-- A key whose time has passed is given up by whoever held it, in the transaction that wants it.
UPDATE job SET dedup_key = NULL
 WHERE dedup_key = :dedup_key AND state NOT IN ('failed', 'cancelled') AND dedup_until <= :now;
