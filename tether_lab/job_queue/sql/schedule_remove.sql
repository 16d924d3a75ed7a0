-- Its fires go with it; its jobs stay.
DELETE FROM schedule WHERE id = :id;
