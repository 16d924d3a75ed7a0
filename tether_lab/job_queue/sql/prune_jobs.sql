-- Ended jobs with all that is theirs. One whose result somebody still waits for stays (trigger job_pinned).
DELETE FROM job WHERE id IN (SELECT value FROM json_each(:ids)) AND finished_at IS NOT NULL RETURNING id;
