-- Whether this fire was dealt with already.
SELECT 1 FROM fire WHERE schedule_id = :id AND at = :at;
