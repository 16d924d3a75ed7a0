-- These jobs, one after the other, are a batch's.
UPDATE job SET batch_id = :batch WHERE id BETWEEN :first AND :last;
