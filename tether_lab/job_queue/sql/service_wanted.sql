-- Whether any service is meant to run.
SELECT EXISTS (SELECT 1 FROM service WHERE wanted = 1);
