-- The child waits for the parent.
INSERT INTO edge (parent, child, name, policy) VALUES (:parent, :child, :name, :policy);
