"""Fault matrix, rows 1 to 3, 6, 7: killed and stopped at every named point of the worker, with a cell in a
process of its own and a function in a warm one under way."""

from __future__ import annotations

import os
import signal
import subprocess
import time

import psutil
import pytest
from eventually import eventually
from faults.bench import Bench, now
from faults.inv import completed

from tether_lab.errors import QueueBusy
from tether_lab.job import JobRow, State
from tether_lab.job_queue import holders, rescue
from tether_lab.worker import lock
from tether_lab.worker.faults import POINTS

HOLDING = ("inside_turn", "inside_finish")     # the write lock is held at these
BEFORE_CLAIM = ("after_lock", "after_rescue", "before_turn", "inside_turn")
AT_THE_END = ("before_exit",)
ELSEWHERE = ("before_fire", "after_fire", "before_watching", "before_trigger", "after_trigger")
"""Only a worker with a schedule or a trigger passes them: see test_promotion."""
HERE = [point for point in POINTS if point not in ELSEWHERE]


def work(bench: Bench) -> dict[int, int]:
    """A cell that prints, waits and has a value, and a warm function; job to value. Each run leaves a mark, and
    lasts long enough for its lease to be renewed."""
    mark = str(bench.path("runs"))
    cell = (f"import time\nprint('ran')\nopen({mark!r}, 'a').write(f'{{n}} ')\n"
            "ctx.checkpoint(n)\ntime.sleep(.35)\nn * n")
    parameters = '{"n": {"required": true, "type": null}}'
    clean = bench.handler(cell, key="clean", parameters=parameters)
    warm = bench.function(f"def warm(n):\n    import time\n    print('ran')\n"
                          f"    open({mark!r}, 'a').write(f'{{n}} ')\n    time.sleep(.35)\n    return n * n",
                          "warm", n=True)
    [first] = bench.enqueue("", {"n": 2}, version=clean)
    [second] = bench.enqueue("", {"n": 12}, version=warm, isolation="warm")
    return {first: 4, second: 144}


def runs(bench: Bench) -> list[str]:
    path = bench.path("runs")
    return path.read_text().split() if path.exists() else []


def reached(bench: Bench, worker: subprocess.Popen[bytes], point: str, jobs: dict[int, int]) -> None:
    """Bring the worker to the point."""
    if point in AT_THE_END:
        completed(bench, jobs)
        worker.send_signal(signal.SIGTERM)


@pytest.mark.row(1, 2, 3)
@pytest.mark.parametrize("point", HERE)
def test_a_kill_at_every_point_loses_and_doubles_nothing(bench_of_points: Bench, point: str) -> None:
    """The next worker is ready once it has taken back what ran; each job ends with one accepted result."""
    bench = bench_of_points
    jobs = work(bench)
    first = bench.worker(faults=f"{point}:kill", ready=False)
    reached(bench, first, point, jobs)
    assert first.wait(20) == -signal.SIGKILL, bench.log()
    left = {job: bench.job(job) for job in jobs}
    if point in BEFORE_CLAIM:
        assert {row.state for row in left.values()} == {State.PENDING}
        assert not runs(bench)
    if point == "after_claim_commit":
        assert any(row.state is State.RUNNING for row in left.values())
    begun = time.monotonic()
    bench.worker()
    taken = time.monotonic() - begun
    for job, row in left.items():
        if row.state is State.RUNNING:
            assert bench.job(job).epoch > row.epoch, "ready, and not yet taken back"
    assert taken < 10, "rescued as part of the start"
    completed(bench, jobs)
    for job, row in left.items():
        again = bench.job(job)
        assert again.crash_count == (1 if row.state is State.RUNNING else 0)
        if row.state is State.COMPLETED:
            assert again.epoch == row.epoch, "what was accepted is not run again"
    if point == "after_finish_commit":
        assert any(row.state is State.COMPLETED for row in left.values())


@pytest.mark.row(6, 7)
@pytest.mark.parametrize("point", HERE)
def test_a_stop_at_every_point_is_survived(bench_of_points: Bench, point: str) -> None:
    """Stopped there, its jobs taken back by somebody else as from a dead one, continued: it holds its lock
    all the while, what it still says of the old attempts is refused, and each job ends once."""
    bench = bench_of_points
    jobs = work(bench)
    worker = bench.worker(faults=f"{point}:stop", ready=False)
    reached(bench, worker, point, jobs)
    process = psutil.Process(worker.pid)
    eventually(lambda: process.status() == psutil.STATUS_STOPPED, within=20, say=f"a stop\n{bench.log()}")
    assert lock.is_held(bench.folder.run)
    before = {job: bench.job(job) for job in jobs}        # reading goes on
    _take_back(bench, worker, point, before)
    worker.send_signal(signal.SIGCONT)
    if point in AT_THE_END:
        assert worker.wait(20) == 0
    completed(bench, jobs)
    for job, row in before.items():
        if row.state is State.RUNNING and point not in HOLDING:
            assert bench.job(job).epoch > row.epoch, "run again by a newer claim"


def _take_back(bench: Bench, worker: subprocess.Popen[bytes], point: str, rows: dict[int, JobRow]) -> None:
    dead = sorted({row.worker for row in rows.values() if row.worker is not None})
    bench.queue.deadline = 0.3

    def again() -> None:
        rescue.rescue(bench.queue, worker="other", boot_id=lock.boot_id(), mono=time.monotonic_ns(), now=now(),
                      dead=dead, crash_budget=9)

    if point in HOLDING:
        with pytest.raises(QueueBusy) as busy:
            again()
        if holders.holder(bench.folder.queue_db):
            assert str(worker.pid) in busy.value.message
    else:
        again()
    bench.queue.deadline = 5.0


@pytest.fixture
def bench_of_points(make_bench: object) -> Bench:
    """Two runners and a lease that is renewed each third of a second."""
    assert callable(make_bench)
    made = make_bench(lease=1.0, crash_budget=9, cancel_grace=2.0, drain_grace=5.0)
    assert isinstance(made, Bench)
    assert os.environ.get("TETHER_LAB_FAULT") is None
    return made
