-- Found anew each time, so that no moment outlives the jobs that waited for it.
UPDATE rate INDEXED BY rate_next SET next_at = NULL WHERE next_at IS NOT NULL;
