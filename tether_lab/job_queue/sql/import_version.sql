-- A version that is here already, by its name or by its content.
SELECT id FROM handler_version WHERE uuid = :uuid OR (key = :key AND version = :version);
