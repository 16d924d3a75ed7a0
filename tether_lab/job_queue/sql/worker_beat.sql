-- It lives. The detail is what status() shows.
UPDATE worker SET beat_at = :now, detail = coalesce(:detail, detail) WHERE id = :id;
