-- Written by whoever registered what installed packages contribute; read by the worker and the doctor.
INSERT INTO meta (key, value) VALUES ('modules', :value) ON CONFLICT (key) DO UPDATE SET value = excluded.value;
