-- The callbacks that a batch has.
UPDATE batch SET then_id = :then, catch_id = :catch, finally_id = :finally WHERE id = :id;
