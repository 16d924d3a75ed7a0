-- Those who watch hear that jobs were removed: nothing else of theirs is left to tell.
INSERT INTO meta (key, value) VALUES ('pruned', '1')
    ON CONFLICT (key) DO UPDATE SET value = CAST(value AS INTEGER) + 1;
