-- Equal content is one version, whoever registers it: found by UNIQUE (key, version).
SELECT v.* FROM handler_version v WHERE v.key = :key AND v.version = :version;
