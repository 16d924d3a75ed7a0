-- The job of a service that is no more.
DELETE FROM job WHERE id = :id AND queue = '~services';
