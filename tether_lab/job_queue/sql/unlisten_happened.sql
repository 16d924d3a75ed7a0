-- Nobody hooks any more.
DROP TRIGGER IF EXISTS job_happened;
