-- Keys with encrypted defaults.
SELECT key, defaults FROM handler WHERE defaults LIKE 'tl1.%';
