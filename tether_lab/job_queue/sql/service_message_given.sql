-- A message is handed to an attempt: each counts once.
UPDATE service_message SET tries = tries + iif(epoch = :epoch, 0, 1), epoch = :epoch, given_up = :given_up WHERE id = :id;
