-- One job with the two columns of its version that every card shows.
SELECT j.*, v.version AS handler_version, v.kind FROM job j JOIN handler_version v ON v.id = j.handler_id
 WHERE j.id = :id;
