-- It acts no more from the next attempt on; its versions stay with the jobs that had it.
DELETE FROM handler WHERE key = :key AND key LIKE '~%';
