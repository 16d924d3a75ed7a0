-- What acts beside jobs: one range of the primary key, empty in most labs.
SELECT head FROM handler WHERE key >= '~' AND key < char(127) ORDER BY key;
