-- The result, unverified; the signature covers the job's uuid.
SELECT r.job_id, j.uuid AS job_uuid, r.epoch, r.kind, r.body, r.text, r.type, r.size, r.key_id, r.mac
  FROM result r JOIN job j ON j.id = r.job_id WHERE r.job_id = :job_id;
