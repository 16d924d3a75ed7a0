-- Does anybody hook the start of attempts? Then nothing is claimed ahead of it.
SELECT EXISTS (SELECT 1 FROM handler WHERE key >= '~on_start:' AND substr(key, 1, 10) = '~on_start:');
