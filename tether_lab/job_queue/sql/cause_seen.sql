-- Files were watched until now: what changes later counts, also while nobody watches.
UPDATE cause SET seen_at = :now WHERE kind = 'files' AND paused = 0;
