-- The epoch fences the old worker from now on, not only from the next claim.
UPDATE job SET epoch = epoch + 1 WHERE id = :id RETURNING epoch;
