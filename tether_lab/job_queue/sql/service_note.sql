-- What a running service says of itself; NULL leaves a text as it is.
UPDATE service SET title = coalesce(:title, title), body = coalesce(:body, body), note = coalesce(:note, note),
       note_at = iif(:note IS NULL, note_at, :now)
 WHERE job_id = :job_id;
