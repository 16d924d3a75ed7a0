-- Hold it, or let it go; what happened meanwhile is not made up for.
UPDATE cause SET paused = :paused, seen_at = :now WHERE id = :id;
