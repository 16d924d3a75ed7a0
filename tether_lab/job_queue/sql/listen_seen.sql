-- Whether changes of jobs are written down; whether a hook, or a job after this one that asks to notify, wants
-- that (looked for only if they are); and the last job there is.
SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'trigger' AND name = 'job_happened') AS told,
       CASE WHEN NOT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'trigger' AND name = 'job_happened') THEN 0
            WHEN EXISTS (SELECT 1 FROM handler WHERE key >= '~on_' AND key < '~on`') THEN 1
            ELSE EXISTS (SELECT 1 FROM job WHERE id > :after AND instr(options, '"notify":') > 0) END,
       coalesce((SELECT max(id) FROM job), 0);
