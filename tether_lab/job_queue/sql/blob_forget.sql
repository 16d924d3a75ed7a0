-- In the transaction that found it unreferenced.
DELETE FROM blob WHERE digest = ?;
