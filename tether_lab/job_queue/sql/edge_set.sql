-- What a parent's end (or its new beginning) means for one child.
UPDATE edge SET state = :state WHERE parent = :parent AND child = :child;
