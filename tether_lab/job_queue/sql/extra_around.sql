-- What acts in the processes of jobs (not hooks, which are jobs of their own): one range of the primary key.
SELECT head FROM handler WHERE key >= '~' AND key < char(127) AND key NOT GLOB '~on_*' ORDER BY key;
