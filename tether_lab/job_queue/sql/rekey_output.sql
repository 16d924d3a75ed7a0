-- One of them, closed anew.
UPDATE output SET body = :body WHERE job_id = :id AND epoch = :epoch AND seq = :seq;
