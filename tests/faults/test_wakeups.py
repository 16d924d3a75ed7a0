"""Fault matrix, row 47: nobody tells the worker, or nobody can."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from eventually import eventually
from faults.bench import Bench

from tether_lab.errors import QueueBusy
from tether_lab.job import State
from tether_lab.job_queue import beacon
from tether_lab.worker import spawn

NET = 1.0
"""Seconds: the worker looks by itself."""


def deaf(bench: Bench) -> Path:
    """Take the beacon away: what the worker watches is a file that nobody lights any more."""
    path = bench.folder.run / beacon.ASKED
    path.unlink()
    return bench.folder.run / "address"


def starts_soon(bench: Bench) -> None:
    begun = time.monotonic()
    [job] = bench.enqueue("1 + 1")
    eventually(lambda: bench.job(job).state is not State.PENDING, within=10, every=0.01)
    assert time.monotonic() - begun < NET + 2.0, "the net under the wakers"
    assert bench.ended(job).state is State.COMPLETED


@pytest.mark.row(47)
@pytest.mark.parametrize("how", ["missing", "stale", "nonsense"])
def test_without_a_way_to_be_told_the_worker_looks_by_itself(
    make_bench: Callable[..., Bench], how: str,
) -> None:
    """No datagram arrives, no beacon is seen: enqueue is not hurt, the job starts within the net's second."""
    bench = make_bench(fallback_poll=NET)
    bench.worker()
    address = deaf(bench)
    if how == "missing":
        address.unlink()
    else:
        address.write_text("/nowhere/at/all" if how == "stale" else "x" * 300)
    assert spawn.wake(bench.folder) is False
    starts_soon(bench)


def _stop_outside_of_a_transaction(bench: Bench, worker: subprocess.Popen[bytes]) -> None:
    bench.queue.deadline = 0.2

    def stopped() -> bool:
        worker.send_signal(signal.SIGSTOP)
        try:
            bench.handler("1")
        except QueueBusy:
            worker.send_signal(signal.SIGCONT)
            return False
        return True

    eventually(stopped, within=10)
    bench.queue.deadline = 5.0


@pytest.mark.row(47)
def test_a_full_mailbox_blocks_nobody(make_bench: Callable[..., Bench]) -> None:
    """The worker is stopped while more hints come than the socket takes: no enqueuer waits, all jobs run."""
    bench = make_bench(fallback_poll=NET)
    worker = bench.worker()
    _stop_outside_of_a_transaction(bench, worker)
    begun = time.monotonic()
    for _ in range(400):
        assert spawn.wake(bench.folder)
    jobs = bench.enqueue("1", count=20)
    assert time.monotonic() - begun < 5
    worker.send_signal(signal.SIGCONT)
    for job in jobs:
        assert bench.ended(job).state is State.COMPLETED


@pytest.mark.row(47)
def test_a_long_path_to_the_runtime_folder_is_no_obstacle(
    make_bench: Callable[..., Bench], home: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Names of sockets have 107 bytes; a longer place is not used, and the worker is heard all the same."""
    long = home / ("r" * 120)
    long.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(long))
    bench = make_bench()
    bench.worker()
    assert spawn.wake(bench.folder)
    starts_soon(bench)
