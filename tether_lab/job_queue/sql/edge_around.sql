-- The neighbours of a job, for its page.
SELECT 'parent', parent FROM edge WHERE child = :id
 UNION ALL
SELECT 'child', child FROM edge WHERE parent = :id;
