-- The small blobs among these digests; large ones are files and have no data here.
SELECT digest, data FROM blob
 WHERE digest IN (SELECT value FROM json_each(:digests)) AND data IS NOT NULL;
