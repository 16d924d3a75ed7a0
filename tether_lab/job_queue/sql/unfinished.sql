-- Whether a worker has anything left to do, now or later; internal jobs and hooks not yet told included.
SELECT EXISTS (SELECT 1 FROM job WHERE state IN ('pending', 'scheduled', 'retrying', 'running'))
    OR EXISTS (SELECT 1 FROM happening);
