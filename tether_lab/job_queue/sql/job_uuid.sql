-- What a job's encrypted texts are bound to.
SELECT uuid FROM job WHERE id = :id;
