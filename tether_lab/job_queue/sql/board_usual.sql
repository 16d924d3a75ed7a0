-- Microseconds that the last completed jobs of a key ran: what is usual. Newest first, stops at the limit.
SELECT finished_at - started_at AS took FROM job
 WHERE key = :key AND state = 'completed' AND started_at IS NOT NULL ORDER BY id DESC LIMIT :limit;
