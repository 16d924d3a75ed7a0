-- One of them, closed anew.
UPDATE event SET detail = :detail WHERE id = :id;
