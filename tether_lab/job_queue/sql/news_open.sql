-- How jobs stand that had not ended: what moves without an event (due, admitted, held back) shows here.
SELECT id, state, waits_for, updated_at FROM job WHERE id IN (SELECT value FROM json_each(:ids));
