-- Which of these digests the database knows.
SELECT digest FROM blob WHERE digest IN (SELECT value FROM json_each(:digests));
