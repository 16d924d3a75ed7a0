-- Whether there is nothing in it that somebody could have signed.
SELECT NOT EXISTS (SELECT 1 FROM handler_version) AND NOT EXISTS (SELECT 1 FROM job);
