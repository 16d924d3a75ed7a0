"""Fault matrix, row 50: cancelled in every phase of its life, a job ends in one state, once."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable

import psutil
import pytest
from eventually import eventually
from faults.bench import Bench, now
from faults.inv import whole

from tether_lab.job import State
from tether_lab.job_queue import cancel
from tether_lab.worker import spawn

PHASES = {
    "after_claim_commit": {State.CANCELLED},               # claimed, no process yet
    "after_task_sent": {State.CANCELLED},                  # a process has it, user code has not begun
    "after_started": {State.CANCELLED},
    "before_output_commit": {State.CANCELLED},             # under way
    "before_finish_commit": {State.COMPLETED},             # it is done already: success wins
    "after_finish_commit": {State.COMPLETED},
}


def marks(bench: Bench, seconds: float = 0.2) -> str:
    return (f"import time\nopen({str(bench.path('runs'))!r}, 'a').write('run ')\nprint('ran')\n"
            f"time.sleep({seconds})\n'value'")


def once(bench: Bench, job: int, states: set[State]) -> None:
    """One of these states, one ending, a result only where it completed."""
    row = bench.ended(job)
    assert row.state in states, (row, bench.log())
    kinds = [event.kind for event in bench.events(job)]
    assert kinds.count("succeeded") + kinds.count("cancelled") == 1, kinds
    from tether_lab.job_queue import read

    assert (read.result(bench.queue, job) is not None) == (row.state is State.COMPLETED)
    whole(bench)


@pytest.mark.row(50)
@pytest.mark.parametrize("point", PHASES)
def test_a_cancel_in_every_phase_of_running(make_bench: Callable[..., Bench], point: str) -> None:
    """The worker is stopped at the point, somebody cancels, it goes on."""
    bench = make_bench(cancel_grace=2.0)
    worker = bench.worker(faults=f"{point}:stop")
    [job] = bench.enqueue(marks(bench, 0.2 if State.COMPLETED in PHASES[point] else 40))
    stopped(worker, bench)
    bench.queue.deadline = 1.0
    before = bench.job(job)
    counts = cancel.cancel(bench.queue, [job])
    worker.send_signal(signal.SIGCONT)
    spawn.wake(bench.folder)
    assert sum(counts.values()) == 1
    once(bench, job, PHASES[point])
    if before.is_final:
        assert bench.job(job).epoch == before.epoch
    assert bench.job(job).epoch >= 1


def stopped(worker: subprocess.Popen[bytes], bench: Bench) -> None:
    process = psutil.Process(worker.pid)
    eventually(lambda: process.status() == psutil.STATUS_STOPPED, within=20, say=f"a stop\n{bench.log()}")


@pytest.mark.row(50)
def test_what_waits_is_cancelled_without_a_worker_and_never_runs(bench: Bench) -> None:
    """Pending, scheduled: cancelled at once; done: as it is. The worker that comes later runs none of them."""
    [pending] = bench.enqueue(marks(bench))
    [scheduled] = bench.enqueue(marks(bench), run_at=now() + 500_000)
    assert cancel.cancel(bench.queue, [pending, scheduled]) == {State.PENDING: 1, State.SCHEDULED: 1}
    bench.worker()
    [probe] = bench.enqueue("1", run_at=now() + 700_000)
    once(bench, probe, {State.COMPLETED})
    assert cancel.cancel(bench.queue, [probe]) == {State.COMPLETED: 1}
    for job, state in ((pending, State.CANCELLED), (scheduled, State.CANCELLED), (probe, State.COMPLETED)):
        once(bench, job, {state})
    assert not bench.path("runs").exists()
