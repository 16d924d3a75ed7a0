-- Messages up to this one are done with.
DELETE FROM service_message WHERE service_id = :id AND id <= :after AND given_up = 0;
