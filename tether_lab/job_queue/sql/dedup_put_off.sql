-- Debounce: later, never earlier. The payload stays the first one's: it is signed.
UPDATE job SET run_at = :run_at, updated_at = :now, state = 'scheduled', waits_for = NULL
 WHERE id = :id AND run_at < :run_at AND :run_at > :now;
