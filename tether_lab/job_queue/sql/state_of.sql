-- Where one job stands.
SELECT state FROM job WHERE id = :id;
