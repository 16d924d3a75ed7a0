-- What a frame says of handlers: read once a frame and looked up by id, never joined row by row.
SELECT id, key, version, kind, json_extract(provenance, '$.notebook') AS notebook,
       json_extract(provenance, '$.git_commit') AS git_commit, created_at
  FROM handler_version ORDER BY id;
