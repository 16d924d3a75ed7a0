-- Old rows of ended workers, once no job refers to them: rescue must have seen the name first.
DELETE FROM worker
 WHERE state IN ('stopped', 'dead') AND beat_at < :before
   AND NOT EXISTS (SELECT 1 FROM job INDEXED BY job_timed
                    WHERE (state = 'running' OR state = 'scheduled' OR state = 'retrying') AND state = 'running' AND job.worker = worker.id);
