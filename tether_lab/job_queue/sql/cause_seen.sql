-- Files were watched until then: what changes later counts, also while nobody watches. Never back: what came
-- before the last job of it, or before the trigger itself, has had its chance.
UPDATE cause SET seen_at = max(seen_at, :now) WHERE kind = 'files' AND paused = 0;
