-- The oldest jobs that have ended, failed ones last.
SELECT id FROM job WHERE finished_at IS NOT NULL AND queue <> '~services' ORDER BY state = 'failed', id LIMIT :limit;
