-- What a parent's end (or its new beginning) means for one child.
UPDATE edge SET state = :state, verdict = iif(:state = 'open', NULL, verdict), trouble = iif(:state = 'open', NULL, trouble)
 WHERE parent = :parent AND child = :child;
