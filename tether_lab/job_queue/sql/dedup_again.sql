-- Counts on the last event if it says the same, so that duplicates do not fill the history.
UPDATE event SET at = :now,
       detail = json_set(detail, '$.times', json_extract(detail, '$.times') + 1)
 WHERE id = (SELECT max(id) FROM event WHERE job_id = :id)
   AND kind = 'deduplicated' AND json_extract(detail, '$.mode') = :mode;
