"""What a job costs the worker, counted: transactions, reads, forks, modules. Times would be noise."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from faults.bench import Bench

from tether_lab.job_queue import outputs
from tether_lab.job_queue.queue import Queue
from tether_lab.worker import running
from tether_lab.worker.chores import Chore
from tether_lab.worker.loop import Supervisor
from tether_lab.worker.pool import AFTER_LOSS


class Counting(Supervisor):
    """A supervisor in the test's own process, driven by hand; it counts its transactions."""

    def __init__(self, bench: Bench) -> None:
        queue = Queue.open(bench.folder, role="supervisor", settings=bench.settings)
        super().__init__(queue, bench.vault, bench.settings, "w1", lambda _: None)
        self.chores._chores = [Chore("none", 3600.0, lambda: None)]
        self.writes = self.reads = 0
        write, read = queue.write, queue.read

        @contextlib.contextmanager
        def counted_write(*args: Any, **more: Any) -> Iterator[Any]:
            self.writes += 1
            with write(*args, **more) as connection:
                yield connection

        @contextlib.contextmanager
        def counted_read() -> Iterator[Any]:
            self.reads += not queue._writing
            with read() as connection:
                yield connection

        queue.write, queue.read = counted_write, counted_read  # type: ignore[method-assign]

    def until(self, done: Callable[[], object], within: float = 30.0) -> None:
        """Do what the worker does until then; count from here."""
        self.writes = self.reads = 0
        deadline = time.monotonic() + within
        while not done():
            assert time.monotonic() < deadline
            self.wait()
            self.end_what_is_over()
            self.turn()
            self.dispatch()
            self.running.write(time.monotonic())

    def finish(self, bench: Bench, jobs: list[int]) -> None:
        self.hinted = True
        self.until(lambda: all(bench.job(job).is_final for job in jobs))


@pytest.fixture
def bench(home: Path) -> Iterator[Bench]:
    made = Bench(home / "lab", runners=1)
    yield made
    made.close()


@pytest.fixture
def supervisor(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Iterator[Counting]:
    monkeypatch.setattr(running, "FLUSH_EVERY", 60.0)      # every job is a short one, on any machine
    made = Counting(bench)
    yield made
    made.pools.close()
    made.queue.close()


def test_a_short_job_costs_two_transactions(bench: Bench, supervisor: Counting) -> None:
    """Its claim and its ending. That it started, what it printed and showed of its progress goes
    into the ending; its retry count, the next job and what is due next into the same turns."""
    handler = bench.function("def f(ctx):\n    print(1)\n    ctx.progress(1, 2)\n    return 3", "f")
    supervisor.finish(bench, bench.enqueue("", version=handler, isolation="warm"))
    (job,) = bench.enqueue("", version=handler, isolation="warm")
    supervisor.finish(bench, [job])
    assert (supervisor.writes, supervisor.reads) == (2, 0)
    (attempt,) = bench.attempts(job)
    assert attempt.usage.pid is not None
    assert bench.job(job).started_at == attempt.started_at
    assert '"n":1' in (bench.job(job).progress or "").replace(" ", "")
    assert "".join(body for _, _, body in outputs.read(bench.queue, job)).count("stream") == 1


def test_jobs_that_wait_cost_a_transaction_each(bench: Bench, supervisor: Counting) -> None:
    """One's ending and the next one's claim share it."""
    jobs = bench.enqueue("1", count=8)
    supervisor.finish(bench, jobs)
    assert supervisor.writes <= len(jobs) + 1


def test_hints_without_a_change_cost_no_transaction(bench: Bench, supervisor: Counting) -> None:
    """A datagram and a beacon about the same commit, and those about our own."""
    supervisor.finish(bench, bench.enqueue("1"))
    supervisor.until(lambda: supervisor.pools.processes)
    for _ in range(3):
        supervisor.hear([b"", b""])
    supervisor.turn()
    assert (supervisor.writes, supervisor.reads) == (0, 0)


def test_an_idle_process_that_dies_is_not_replaced_at_once(bench: Bench, supervisor: Counting) -> None:
    """What killed it may kill each of them; a job that comes meanwhile has a process all the same."""
    supervisor.finish(bench, bench.enqueue("1"))
    (pool,) = supervisor.pools._pools.values()
    supervisor.until(lambda: pool.idle and pool.idle[0].pid is not None)
    dead = pool.idle[0]
    assert dead.pid is not None
    os.kill(dead.pid, signal.SIGKILL)
    supervisor.until(lambda: dead not in pool.idle)
    died = time.monotonic()
    (job,) = bench.enqueue("1")
    supervisor.finish(bench, [job])
    assert bench.job(job).state == "completed"
    supervisor.until(lambda: pool.idle)
    assert time.monotonic() >= died + AFTER_LOSS - 0.1


HEAVY = ("IPython", "ipywidgets", "pandas", "numpy", "plotly", "tornado", "cloudpickle", "asyncio", "zmq",
         "traitlets", "psutil", "aiosqlite")


def test_the_supervisor_loads_no_more_than_it_needs() -> None:
    """Nor the names of what it never runs."""
    code = ("import sys, tether_lab.worker.service; "
            f"print([name for name in {HEAVY!r} if name in sys.modules])")
    found = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True,
                           timeout=60)
    assert found.stdout.strip() == "[]"
