-- Jobs from an id on, oldest first. Nobody who was enqueued after the cut can have ended before it, so a
-- look ends where the young ones begin.
SELECT id, state, finished_at FROM job WHERE id > :after AND created_at < :before AND queue <> '~services' ORDER BY id LIMIT 2000;
