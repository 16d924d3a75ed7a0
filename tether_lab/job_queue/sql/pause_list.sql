-- What is paused.
SELECT queue FROM paused ORDER BY queue;
