-- A parent's end must look for its children from now on.
UPDATE job SET has_children = 1 WHERE id IN (SELECT value FROM json_each(:ids));
