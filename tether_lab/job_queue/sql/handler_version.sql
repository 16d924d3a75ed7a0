-- One version by id, for the worker that runs it and the job that shows it.
SELECT v.* FROM handler_version v WHERE v.id = :id;
