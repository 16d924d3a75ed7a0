-- Nothing changes, but SQLite begins the log anew with it, and gives back what it had grown to. (An UPDATE to the
-- same value would write nothing.)
REPLACE INTO meta SELECT key, value FROM meta WHERE key = 'db_uuid';
