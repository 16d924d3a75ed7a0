-- A page of jobs, newest first, of all or of some states: stops as soon as the page is full. Jobs whose key
-- begins with ~ are our own and shown to nobody, those of services in a tab of their own.
SELECT j.*, v.version AS handler_version, v.kind
  FROM (SELECT id FROM job WHERE (:states IS NULL OR state IN (SELECT value FROM json_each(:states)))
           AND queue <> '~services' AND substr(key, 1, 1) <> '~'
         ORDER BY id DESC LIMIT :limit OFFSET :offset) page
  JOIN job j ON j.id = page.id JOIN handler_version v ON v.id = j.handler_id
 ORDER BY j.id DESC;
