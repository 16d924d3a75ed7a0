-- What became of it.
UPDATE worker SET state = :state, beat_at = iif(:state = 'dead', beat_at, :now) WHERE id = :id;
