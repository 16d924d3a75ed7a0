"""Old jobs go, with all that is theirs; what somebody still needs stays."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from tether_lab import Lab, OptionError

DAY = 86400 * 1_000_000


def age(lab: Lab, job_id: int, days: float) -> None:
    """As if the job had ended so long ago."""
    with lab.queue.write() as connection:
        connection.execute("UPDATE job SET created_at = created_at - ?1, finished_at = finished_at - ?1"
                           " WHERE id = ?2", (round(days * DAY), job_id))


def test_old_jobs_go_failed_ones_later_and_waiting_ones_never() -> None:
    """By the settings, or by hand; counted first if asked; attempts, events and results go with them."""
    with Lab(runners=2) as lab:
        @lab.handler("work", retries=0)
        def work(ctx, fail: bool = False):  # type: ignore[no-untyped-def]
            import numpy as np

            (ctx.folder / "kept").touch()
            if fail:
                raise ValueError
            return np.zeros(100_000)

        try:
            done, failed, young = work.enqueue(), work.enqueue(fail=True), work.enqueue()
            later = lab.enqueue("work", delay="1h")
            assert (done.result(30) == np.zeros(100_000)).all()
            failed.wait(30)
            young.wait(30)
            lab.worker.stop(now=True)
            for job in (done, failed):
                age(lab, job.id, 31)
            age(lab, later.id, 400)
            folder = Path(lab.folder.path) / "jobs" / str(done.id)
            assert folder.is_dir()
            assert lab.prune(dry_run=True).jobs == 1
            assert lab.prune().jobs == 1
            assert [job.id for job in lab.jobs(order="oldest")] == [failed.id, young.id, later.id]
            assert not folder.exists()
            with lab.queue.read() as connection:
                for table in ("attempt", "event", "output", "result"):
                    count = f"SELECT count(*) FROM {table} WHERE job_id = ?"
                    assert connection.execute(count, (done.id,)).fetchone()[0] == 0
            assert lab.prune("1d").jobs == 1
            assert [job.id for job in lab.jobs(order="oldest")] == [young.id, later.id]
            with pytest.raises(OptionError, match="older_than"):
                lab.prune("soon")
        finally:
            lab.worker.stop(now=True)


def test_a_result_that_a_step_waits_for_stays() -> None:
    """However old the parent is."""
    with Lab(autostart=False) as lab:
        @lab.handler("first")
        def first() -> int:
            return 1

        @lab.handler("second")
        def second() -> int:
            return 2

        chain = lab.chain("c").then("first").then("second").enqueue()
        number = chain.steps["first"].id
        with lab.queue.write() as connection:
            connection.execute("UPDATE job SET state = 'completed', finished_at = 1, created_at = 1"
                               " WHERE id = ?", (number,))
        assert lab.prune("1d").jobs == 0
        assert lab.get(number).status == "completed"


def test_the_oldest_go_when_there_is_no_room() -> None:
    """Captures and results above retention_size."""
    with Lab(retention_size="1MB", runners=1) as lab:
        @lab.handler("big", retries=0)
        def big() -> object:
            import numpy as np

            return np.random.rand(100_000)

        try:
            jobs = [big.enqueue() for _ in range(3)]
            for job in jobs:
                job.wait(30)
            lab.worker.stop(now=True)
            assert lab.prune().jobs > 0
        finally:
            lab.worker.stop(now=True)


def test_old_versions_of_a_handler_go_with_their_last_job(home: Path) -> None:
    """A cell that is changed and run again, day by day: versions of which no job is left go, with what they
    captured; the newest stays, as does one that a job still has."""
    from tether_lab.job_queue import owner
    from tether_lab.worker import pruning

    with Lab(autostart=False, retention_size="1MB") as lab:
        for n in range(4):
            captured = bytes([n]) * 300_000
            lab.register(lambda captured=captured: len(captured), "daily")
            if n == 2:
                kept = lab.enqueue("daily", delay="100d")
        assert owner.signers(lab.queue)[0][1] == 4
        day = 86_400_000_000
        later = time.time_ns() // 1000 + 40 * day
        assert pruning.prune_jobs(lab.queue, lab.settings, later) == 0
        assert owner.signers(lab.queue)[0][1] == 2
        assert pruning.prune(lab.queue, later) == 2, "the captures of the two that went"
        assert lab.get(kept.id).status == "scheduled"
        assert lab.enqueue("daily").id
