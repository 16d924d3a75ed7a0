-- A page of the jobs that fit, in any order, and how many fit: one pass over the table, then the page's
-- rows alone. board.py leaves out the lines of filters that were not given.
WITH fits AS MATERIALIZED (
    SELECT id, CASE :sort WHEN 'id' THEN id WHEN 'key' THEN key WHEN 'status' THEN state WHEN 'attempts' THEN attempt
           WHEN 'created' THEN created_at WHEN 'priority' THEN priority WHEN 'queue' THEN queue
           WHEN 'took' THEN coalesce(finished_at, iif(state = 'running', :now, NULL)) - started_at END AS rank
      FROM job
     WHERE queue <> '~services' AND substr(key, 1, 1) <> '~'
   AND (:states IS NULL OR state IN (SELECT value FROM json_each(:states)))
   AND (:key IS NULL OR key = :key)
   AND (:queue IS NULL OR queue = :queue)
   AND (:chain IS NULL OR chain_id = :chain)
   AND (:batch IS NULL OR batch_id = :batch)
   AND (:tag IS NULL OR EXISTS (SELECT 1 FROM json_each(tags) WHERE json_each.value = :tag))
   AND (:words IS NULL OR id = :number OR key LIKE :words ESCAPE '!' OR description LIKE :words ESCAPE '!' OR tags LIKE :words ESCAPE '!' OR error LIKE :words ESCAPE '!' OR substr(payload, 1, 2000) LIKE :words ESCAPE '!')
), page AS (
    SELECT id, rank FROM fits
     ORDER BY iif(:down, rank, NULL) DESC NULLS LAST, iif(:down, NULL, rank) NULLS LAST, id DESC
     LIMIT :limit OFFSET :offset)
SELECT j.*, v.version AS handler_version, v.kind, (SELECT count(*) FROM fits) AS fitting
  FROM page JOIN job j ON j.id = page.id JOIN handler_version v ON v.id = j.handler_id
 ORDER BY iif(:down, page.rank, NULL) DESC NULLS LAST, iif(:down, NULL, page.rank) NULLS LAST, j.id DESC;
