-- Members that ended (or, negative, run again), and whether they were the last.
UPDATE batch SET completed = completed + :completed, failed = failed + :failed, cancelled = cancelled + :cancelled,
       expired = expired + :expired, skipped = skipped + :skipped,
       finished_at = iif(completed + failed + cancelled + expired + skipped + :completed + :failed + :cancelled
                         + :expired + :skipped = total, :now, NULL)
 WHERE id = :id
RETURNING completed + failed + cancelled + expired + skipped = total, completed = total, failed + expired > 0, then_id, catch_id, finally_id;
