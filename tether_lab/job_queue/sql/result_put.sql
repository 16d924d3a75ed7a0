-- One result a job. A retried job keeps its old one until a newer attempt's is accepted: never an older
-- epoch over a newer one, the second line of defence behind the fence of finish.sql.
INSERT INTO result (job_id, epoch, kind, body, text, type, size, key_id, mac)
VALUES (:job_id, :epoch, :kind, :body, :text, :type, :size, :key_id, :mac)
ON CONFLICT (job_id) DO UPDATE
   SET epoch = excluded.epoch, kind = excluded.kind, body = excluded.body, text = excluded.text,
       type = excluded.type, size = excluded.size, key_id = excluded.key_id, mac = excluded.mac
 WHERE excluded.epoch > result.epoch;
