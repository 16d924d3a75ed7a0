-- What the condition of an edge said about the result of the parent, which has just completed.
UPDATE edge SET verdict = :verdict, trouble = :trouble
 WHERE parent = :parent AND child = (SELECT e.child FROM edge e JOIN job j ON j.id = e.child
                                      WHERE e.parent = :parent AND j.uuid = :uuid);
