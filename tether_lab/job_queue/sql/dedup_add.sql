-- Apart from the insert, so that jobs without dedup pay nothing. The index refuses a second holder.
UPDATE job SET dedup_key = :dedup_key, dedup_until = :dedup_until WHERE id = :id;
