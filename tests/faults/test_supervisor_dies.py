"""Fault matrix, rows 5, 6, 8, 10: the supervisor is killed, stopped, doubled, drained."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable

import psutil
import pytest
from eventually import eventually
from faults.bench import Bench, now

from tether_lab.job import Claim, State
from tether_lab.job_queue import claim, rescue
from tether_lab.worker import lock, spawn


@pytest.mark.row(5)
def test_a_runner_that_spins_in_c_dies_with_its_supervisor(bench: Bench) -> None:
    """Row 5: SIGKILL of the supervisor ends zygote and job within 50 ms (given: half a second)."""
    worker = bench.worker()
    [job] = bench.enqueue(f"open({str(bench.path('started-1'))!r}, 'w').close()\nsum(range(10**13))")
    bench.running(job)
    assert len(bench.marked()) >= 3
    worker.kill()
    worker.wait(5)
    eventually(lambda: not bench.marked(), within=0.5, every=0.002, say="the end of the runner")


@pytest.mark.row(6)
def test_a_zombie_is_fenced(bench: Bench) -> None:
    """Row 6: stopped, its job rescued and run by another; what it says afterwards is refused."""
    worker = bench.worker()
    flag = bench.path("go")
    [job] = bench.enqueue(f"import os, time\nopen({str(bench.path('started-1'))!r}, 'w').close()\n"
                          f"while not os.path.exists({str(flag)!r}): time.sleep(.01)\n'zombie'")
    bench.running(job)
    worker.send_signal(signal.SIGSTOP)
    zombie = bench.job(job).worker
    assert zombie is not None
    rescue.rescue(bench.queue, worker="other", boot_id=lock.boot_id(), mono=time.monotonic_ns(), now=now(),
                  dead=[zombie], crash_budget=3)
    turn = claim.turn(bench.queue, worker="other", now=now(), mono=time.monotonic_ns(),
                      lease_ns=60 * 10**9, finished=[], limit=1)
    assert [c.claim for c in turn.claimed] == [Claim(job, 3, "other")]
    flag.touch()
    worker.send_signal(signal.SIGCONT)
    eventually(lambda: "fenced" in [e.kind for e in bench.events(job)] or "claim lost" in bench.log(),
               say=f"the refusal\n{bench.log()}")
    row = bench.job(job)
    assert (row.state, row.epoch, row.worker) == (State.RUNNING, 3, "other")
    eventually(lambda: not [p for p in bench.marked() if "sleep" in p.name()], within=5)


@pytest.mark.row(8)
def test_ten_supervisors_at_once_leave_one(bench: Bench) -> None:
    """Row 8: one holds the lock, nine say so and exit 0."""
    command = [sys.executable, "-m", "tether_lab.worker", "--lab", str(bench.folder.path)]
    ten = [subprocess.Popen(command, env=bench.environ(), stderr=subprocess.PIPE, text=True) for _ in range(10)]
    try:
        eventually(lambda: sum(p.poll() is not None for p in ten) == 9, within=30, say="nine that give way")
        assert [p.returncode for p in ten if p.poll() is not None] == [0] * 9
        told = [p.stderr.read() for p in ten if p.poll() is not None and p.stderr]
        assert all("runs already" in text for text in told), told
        [job] = bench.enqueue("1 + 1")
        assert bench.ended(job).state is State.COMPLETED
    finally:
        for process in ten:
            if process.poll() is None:
                process.send_signal(signal.SIGQUIT)
            process.wait(10)
            if process.stderr:
                process.stderr.close()


SLOW = ("import time\nopen({started!r}, 'w').close()\n"
        "for _ in range(600): time.sleep(.05)\n'done'")


@pytest.mark.row(10)
def test_sigterm_lets_a_short_job_finish(bench: Bench) -> None:
    """Row 10: what ends within the grace is recorded; what waits stays pending."""
    worker = bench.worker()
    [job] = bench.enqueue(SLOW.format(started=str(bench.path("started-1"))).replace("600", "20"))
    bench.running(job)
    worker.send_signal(signal.SIGTERM)
    eventually(lambda: "draining" in bench.log())
    [later] = bench.enqueue("2")
    assert worker.wait(20) == 0
    assert bench.job(job).state is State.COMPLETED
    assert bench.job(later).state is State.PENDING


@pytest.mark.row(10)
def test_sigterm_gives_unfinished_jobs_back_without_burning_an_attempt(
    make_bench: Callable[..., Bench],
) -> None:
    """Row 10: after the grace the job is interrupted, pending again, its attempt and budget untouched."""
    bench = make_bench(drain_grace=0.3, cancel_grace=2.0)
    worker = bench.worker()
    [job] = bench.enqueue(SLOW.format(started=str(bench.path("started-1"))))
    bench.running(job)
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(20) == 0
    row = bench.job(job)
    assert (row.state, row.attempt, row.crash_count) == (State.PENDING, 0, 0)
    assert bench.attempts(job)[-1].outcome == "interrupted"


@pytest.mark.row(10)
def test_a_second_sigterm_is_immediate(bench: Bench) -> None:
    """Row 10: no patience the second time; the job goes back all the same."""
    worker = bench.worker()
    [job] = bench.enqueue(SLOW.format(started=str(bench.path("started-1"))))
    bench.running(job)
    worker.send_signal(signal.SIGTERM)
    eventually(lambda: "draining" in bench.log())
    begun = time.monotonic()
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(10) == 0
    assert time.monotonic() - begun < 2
    assert (bench.job(job).state, bench.job(job).attempt) == (State.PENDING, 0)


def test_a_hangup_is_ignored(bench: Bench) -> None:
    """A closed terminal ends no worker."""
    worker = bench.worker()
    worker.send_signal(signal.SIGHUP)
    [job] = bench.enqueue("1")
    assert bench.ended(job).state is State.COMPLETED
    assert worker.poll() is None


def test_a_dead_zygote_burns_no_crash_budget(bench: Bench) -> None:
    """The job goes back, a new zygote is forked from, and the job completes."""
    worker = bench.worker()
    flag = bench.path("go")
    [job] = bench.enqueue(f"import os, time\nopen({str(bench.path('started-1'))!r}, 'w').close()\n"
                          f"while not os.path.exists({str(flag)!r}): time.sleep(.01)\n'done'")
    bench.running(job)
    zygotes = [p for p in psutil.Process(worker.pid).children() if "zygote" in " ".join(p.cmdline())]
    os.kill(zygotes[0].pid, signal.SIGKILL)
    zygotes[0].wait(10)                # and its jobs with it: this one may not see the flag before
    flag.touch()
    row = bench.ended(job)
    assert (row.state, row.crash_count) == (State.COMPLETED, 0)
    assert bench.attempts(job)[0].outcome == "interrupted"


def test_start_status_and_stop_from_a_kernel(bench: Bench) -> None:
    """The launcher's worker is nobody's child, is found, runs a job, and stops when asked."""
    os.environ["TETHER_LAB_MARK"] = bench.mark
    try:
        begun = time.monotonic()
        found = spawn.start(bench.folder, bench.settings)
        assert time.monotonic() - begun < 10
    finally:
        del os.environ["TETHER_LAB_MARK"]
    assert found.state == "running"
    assert found.pid is not None
    assert psutil.Process(found.pid).ppid() != os.getpid()
    assert os.getsid(found.pid) != os.getsid(0)
    assert spawn.start(bench.folder, bench.settings).pid == found.pid
    [job] = bench.enqueue("6 * 7")
    assert bench.ended(job).state is State.COMPLETED
    assert spawn.stop(bench.folder, timeout=20).state == "stopped"
    assert not spawn.wake(bench.folder)
