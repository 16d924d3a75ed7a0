-- A pause of one queue ends.
DELETE FROM paused WHERE queue = ?;
