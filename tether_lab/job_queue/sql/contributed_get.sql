-- What the installed packages that contribute were when they were registered last.
SELECT value FROM meta WHERE key = 'modules';
