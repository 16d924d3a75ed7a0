-- The log of a schedule is bounded: the newest thousand fires stay.
DELETE FROM fire WHERE schedule_id = :id AND at < (
    SELECT at FROM fire WHERE schedule_id = :id ORDER BY at DESC LIMIT 1 OFFSET 999);
