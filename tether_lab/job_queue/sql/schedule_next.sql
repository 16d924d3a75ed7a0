-- When the next schedule fires: the first entry of the index.
SELECT min(next_at) FROM schedule INDEXED BY schedule_next WHERE next_at IS NOT NULL AND paused = 0;
