"""Fault matrix, rows 43, 44, 49: suspended, rebooted, and held up by C code beyond the lease."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable

import psutil
import pytest
from eventually import eventually
from faults.bench import Bench, now
from faults.inv import completed

from tether_lab.job import State


def waits_for(bench: Bench, name: str) -> str:
    """A cell that says that it runs, and goes on once a file is there."""
    return (f"import os, time\nopen({str(bench.path('started-1'))!r}, 'w').close()\n"
            f"while not os.path.exists({str(bench.path(name))!r}): time.sleep(.01)\n'done'")


@pytest.mark.row(43)
def test_a_suspend_rescues_nothing_and_runs_what_is_overdue_once(make_bench: Callable[..., Bench]) -> None:
    """Everything is stopped for more than two leases, as a closed laptop is: what ran goes on in its first
    attempt, what fell due meanwhile runs once."""
    bench = make_bench(lease=1.0, runners=3)
    worker = bench.worker()
    [long] = bench.enqueue(waits_for(bench, "go"))
    [due] = bench.enqueue("'due'", run_at=now() + 1_000_000)
    bench.running(long)
    worker.send_signal(signal.SIGSTOP)
    tree = psutil.Process(worker.pid).children(recursive=True)
    _send(tree, signal.SIGSTOP)
    asleep = time.monotonic() + 2.5
    eventually(lambda: time.monotonic() > asleep, within=5)
    _send(tree, signal.SIGCONT)
    worker.send_signal(signal.SIGCONT)
    bench.path("go").touch()
    completed(bench, {long: "done", due: "due"})
    for job in (long, due):
        assert (bench.job(job).epoch, bench.job(job).crash_count, bench.job(job).attempt) == (1, 0, 1)
        assert "rescued" not in [e.kind for e in bench.events(job)]


def _send(processes: list[psutil.Process], number: int) -> None:
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(number)


@pytest.mark.row(44)
def test_after_a_reboot_all_that_ran_is_taken_back_at_once(make_bench: Callable[..., Bench]) -> None:
    """The rows say another boot, and a worker whose pid is somebody else's by now: no lease is waited for."""
    bench = make_bench(lease=600.0)
    worker = bench.worker()
    [job] = bench.enqueue(waits_for(bench, "go"))
    bench.running(job)
    worker.kill()
    worker.wait(10)
    with bench.queue.write() as connection:
        connection.execute("UPDATE job SET boot_id = 'yesterday', worker = 'w1-yesterday' WHERE id = ?", (job,))
        connection.execute("UPDATE worker SET boot_id = 'yesterday', pid = ?", (os.getpid(),))
    bench.path("go").touch()
    bench.worker()
    assert bench.job(job).epoch > 1, "ready, and not yet taken back"
    completed(bench, {job: "done"})
    assert bench.job(job).crash_count == 1


@pytest.mark.row(49)
def test_a_job_that_holds_the_interpreter_is_not_taken_for_dead(make_bench: Callable[..., Bench]) -> None:
    """The worker renews leases, not the job: C code for more than two leases is still the first attempt."""
    bench = make_bench(lease=1.0)
    bench.worker()
    [job] = bench.enqueue("import time\nbegun = time.monotonic()\n"
                          "while time.monotonic() - begun < 2.5: sum(range(5_000_000))\n'done'")
    completed(bench, {job: "done"})
    assert bench.job(job).epoch == 1
    assert bench.job(job).state is State.COMPLETED
