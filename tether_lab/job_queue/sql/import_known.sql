-- Jobs that are here already: an archive may be taken in twice.
SELECT uuid FROM job;
