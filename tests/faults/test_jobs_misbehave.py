"""Fault matrix, rows 11 to 13, 15, 16, 18, 19, 22: user code that crashes, hangs, leaves things behind."""

from __future__ import annotations

import json
import time

import psutil
import pytest
from eventually import eventually
from faults.bench import Bench

from tether_lab.job import State, Timeout
from tether_lab.job_queue import cancel, outputs
from tether_lab.worker import spawn


def text(bench: Bench, job: int) -> str:
    bodies = [json.loads(body) for _, _, body in outputs.read(bench.queue, job)]
    return "".join(b["text"] for b in bodies if b["k"] == "stream")


@pytest.mark.row(11)
def test_exit_code_seven_is_a_crash_with_its_output(shared: Bench) -> None:
    """Row 11: the code is in the words, the last output is kept, the crash budget decides."""
    [job] = shared.enqueue("import os\nprint('last words', flush=True)\n"
                          "os.write(1, b'raw words\\n')\nos._exit(7)")
    row = shared.ended(job)
    assert row.state is State.FAILED
    assert "exit code 7" in (row.error or "")
    attempt = shared.attempts(job)[-1]
    assert (attempt.outcome, attempt.usage.exit_code) == ("crashed", 7)
    assert "raw words" in text(shared, job)


@pytest.mark.row(12)
@pytest.mark.parametrize(("code", "name"), [
    ("import ctypes\nctypes.string_at(0)", "SIGSEGV"), ("import os\nos.abort()", "SIGABRT"),
])
def test_a_segfault_is_told_by_name_and_hurts_nobody_else(
    shared: Bench, code: str, name: str,
) -> None:
    """Row 12: the signal's name and the interpreter's own dump are kept; other jobs go on."""
    [other] = shared.enqueue("import time\ntime.sleep(.5)\n'fine'")
    [job] = shared.enqueue(code)
    row = shared.ended(job)
    assert name in (row.error or "")
    attempt = shared.attempts(job)[-1]
    assert "Fatal Python error" in (attempt.traceback or "") + text(shared, job)
    assert shared.ended(other).state is State.COMPLETED


@pytest.mark.row(13)
def test_a_poison_job_is_buried_after_three_crashes(bench: Bench) -> None:
    """Row 13: the worker lives, the queue moves on, the evidence is kept."""
    worker = bench.worker()
    [job] = bench.enqueue("import ctypes\nctypes.string_at(0)")
    [next_one] = bench.enqueue("1")
    row = bench.ended(job)
    assert row.state is State.FAILED
    assert "crash loop: 3 crashes" in (row.error or "")
    assert [a.outcome for a in bench.attempts(job)] == ["crashed"] * 3
    assert bench.ended(next_one).state is State.COMPLETED
    assert worker.poll() is None


DEAF = """
import signal, time
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR2):
    signal.signal(number, signal.SIG_IGN)
while True:
    time.sleep(1)
"""


@pytest.mark.row(15)
@pytest.mark.parametrize("code", [
    DEAF,
    "import re\nre.match(r'(a+)+$', 'a' * 40 + 'b')",
    "sum(range(10**13))",
    "!sleep 312",
])
def test_a_hard_timeout_ends_what_cannot_be_interrupted(shared: Bench, code: str) -> None:
    """Row 15: signals ignored, the interpreter lock held in C, a command: killed at the deadline, all of it."""
    begun = time.monotonic()
    [job] = shared.enqueue(code, timeout=Timeout(hard=0.5))
    row = shared.ended(job)
    assert row.state is State.FAILED
    assert row.error == "timed out after 0.5 s"
    assert shared.attempts(job)[-1].outcome == "timed_out"
    assert time.monotonic() - begun < 10
    eventually(lambda: not [p for p in shared.marked() if "312" in p.cmdline()], within=1.0, say="no sleepers")


def test_a_soft_timeout_is_an_event_and_can_be_caught(shared: Bench) -> None:
    """The event is written; with catch the job saves what it has and completes."""
    code = ("import time\nfrom tether_lab.errors import SoftTimeout\n"
            "try:\n    time.sleep(30)\nexcept SoftTimeout:\n    saved = 'saved'\nsaved")
    [job] = shared.enqueue(code, timeout=Timeout(soft=0.3, hard=20.0, catch=True))
    assert shared.ended(job).state is State.COMPLETED
    assert shared.result(job) == "saved"
    assert "soft_timeout" in [e.kind for e in shared.events(job)]


@pytest.mark.row(16)
@pytest.mark.parametrize("session", [False, True])
def test_children_end_with_their_job(shared: Bench, session: bool) -> None:
    """Row 16: all dead within a second of the end, also those in a session of their own."""
    [job] = shared.enqueue("import subprocess\nfor _ in range(5): "
                          f"subprocess.Popen(['sleep', '300'], start_new_session={session})\n'left them'")
    assert shared.ended(job).state is State.COMPLETED
    eventually(lambda: not [p for p in shared.marked() if p.name() == "sleep"], within=1.5, say="no sleepers")


@pytest.mark.row(16)
def test_children_of_a_killed_job_end_too(shared: Bench) -> None:
    """Row 16 with a time-out: the group and whoever left it."""
    [job] = shared.enqueue("import subprocess, time\n"
                          "subprocess.Popen(['sleep', '300'], start_new_session=True)\ntime.sleep(100)",
                          timeout=Timeout(hard=0.7))
    shared.ended(job)
    eventually(lambda: not [p for p in shared.marked() if p.name() == "sleep"], within=1.5, say="no sleepers")


STUBBORN_TREE = f"""
import subprocess, sys
deaf = {DEAF!r}
tree = ("import subprocess, sys; subprocess.Popen([sys.executable, '-c', " + repr(deaf)
        + "], start_new_session=True); print('ready', flush=True)\\n" + deaf)
subprocess.run([sys.executable, '-c', tree])
"""


@pytest.mark.row(16)
@pytest.mark.parametrize("how", ["timeout", "cancel"])
def test_a_tree_that_ignores_signals_leaves_no_process(shared: Bench, how: str) -> None:
    """Row 16: children deaf to SIGINT and SIGTERM, one in a session of its own, end with the job."""

    def deaf() -> list[psutil.Process]:
        return [p for p in shared.marked() if "SIG_IGN" in " ".join(p.cmdline())]

    [job] = shared.enqueue(STUBBORN_TREE, timeout=Timeout(hard=3.0) if how == "timeout" else None)
    eventually(lambda: "ready" in text(shared, job), say="the tree stands")
    assert len(deaf()) == 2
    asked = time.monotonic()
    if how == "cancel":
        cancel.cancel(shared.queue, [job])
        spawn.wake(shared.folder)
    assert shared.ended(job).state is (State.CANCELLED if how == "cancel" else State.FAILED)
    assert time.monotonic() - asked < 4
    eventually(lambda: not deaf(), within=1.0, say="no deaf children")


BOTTOMLESS = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, (400_000_000, 400_000_000))
sys.setrecursionlimit(10**9)
def f(): return f()
f()
"""
ATTRIBUTED = ("RecursionError", "MemoryError", "SystemError", "SIGSEGV", "SIGABRT", "timed out after")


@pytest.mark.row(22)
@pytest.mark.parametrize("code", [BOTTOMLESS, "def f(): return f()\nf()"])
def test_runaway_recursion_is_attributed(shared: Bench, code: str) -> None:
    """Row 22: an error or a crash in words, under a bound on memory; the worker lives."""
    worker = shared.workers[0]
    [job] = shared.enqueue(code, timeout=Timeout(hard=15.0))
    row = shared.ended(job, within=30)
    assert row.state is State.FAILED
    assert any(word in (row.error or "") for word in ATTRIBUTED), row.error
    assert worker.poll() is None


@pytest.mark.row(14)
def test_a_memory_limit_ends_the_job_in_words(shared: Bench) -> None:
    """Row 14: resident memory is polled from outside."""
    [job] = shared.enqueue("import time\nhog = b'x' * 400_000_000\ntime.sleep(20)", memory=300_000_000)
    row = shared.ended(job)
    assert row.state is State.FAILED
    assert "memory limit: used" in (row.error or "")
    assert "at most 300 MB" in (row.error or "")


@pytest.mark.row(18)
def test_a_gigabyte_of_output_leaves_the_supervisor_small(shared: Bench) -> None:
    """Row 18: head and tail are kept, the rest is counted; resident memory stays below 50 MB."""
    worker = shared.workers[0]
    [job] = shared.enqueue("import os\nblock = b'z' * 65536\n"
                           "for _ in range(16000): os.write(1, block)\n'end'")
    supervisor, peak = psutil.Process(worker.pid), 0
    while not shared.job(job).is_final:
        peak = max(peak, supervisor.memory_info().rss)
        time.sleep(0.02)
    assert shared.ended(job, within=60).state is State.COMPLETED
    kept = text(shared, job)
    assert "not kept; raise with --max-output" in kept
    assert len(kept) < 1_300_000
    assert peak < 50_000_000, f"{peak / 1e6:.1f} MB"


@pytest.mark.row(19)
def test_a_job_that_closes_every_descriptor_does_not_hang(shared: Bench) -> None:
    """Row 19: it finishes, or it crashed with a lost control channel."""
    [job] = shared.enqueue("import os\nos.closerange(0, 2000)\n1")
    row = shared.ended(job)
    assert row.state is State.COMPLETED or "control channel lost" in (row.error or "")


def test_cancel_interrupts_a_running_job(shared: Bench) -> None:
    """A loop in Python ends at the first SIGINT."""
    [job] = shared.enqueue(f"import time\nopen({str(shared.path('started-'))!r} + str(ctx.id), 'w').close()\n"
                          "while True: time.sleep(.01)")
    shared.running(job)
    begun = time.monotonic()
    cancel.cancel(shared.queue, [job])
    spawn.wake(shared.folder)
    row = shared.ended(job)
    assert row.state is State.CANCELLED
    assert time.monotonic() - begun < 1.4


def test_cancel_kills_what_holds_the_interpreter(shared: Bench) -> None:
    """C code that never looks at signals is killed when the grace is over."""
    [job] = shared.enqueue(f"open({str(shared.path('started-'))!r} + str(ctx.id), 'w').close()\n"
                           "sum(range(10**13))")
    shared.running(job)
    begun = time.monotonic()
    cancel.cancel(shared.queue, [job])
    spawn.wake(shared.folder)
    assert shared.ended(job).state is State.CANCELLED
    assert 1.5 < time.monotonic() - begun < 5


def test_the_stack_of_a_running_job_is_told(shared: Bench) -> None:
    """Also while C code holds the interpreter lock; a job that does not run is said so."""
    [job] = shared.enqueue(f"open({str(shared.path('started-'))!r} + str(ctx.id), 'w').close()\n"
                          "def deep(): sum(range(10**13))\ndeep()", timeout=Timeout(hard=15.0))
    shared.running(job)
    time.sleep(0.2)
    assert "deep" in spawn.stack(shared.folder, job)
    assert "is not running" in spawn.stack(shared.folder, 999)


@pytest.mark.row(51)
def test_a_tampered_job_is_refused_unloaded(bench: Bench) -> None:
    """A signature that does not fit: failed with the reason, not tried again, nothing run."""
    bench.worker()
    bench.vault.sign = lambda *_: b"\0" * 32            # type: ignore[method-assign]
    canary = bench.path("canary")
    version = bench.handler(f"open({str(canary)!r}, 'w')", key="forged")
    [job] = bench.enqueue("", version=version, max_attempts=3)
    row = bench.ended(job)
    assert row.state is State.FAILED
    assert "sign" in (row.error or "").lower()
    assert row.attempt == 1
    assert not canary.exists()


@pytest.mark.row(48)
def test_a_missing_interpreter_fails_the_job_with_a_remedy(shared: Bench) -> None:
    """Row 48: the environment is gone; other jobs run."""
    version = shared.handler("1", key="gone", executable="/nowhere/bin/python")
    [job] = shared.enqueue("", version=version)
    row = shared.ended(job)
    assert row.state is State.FAILED
    assert "/nowhere/bin/python" in (row.error or "")
    [fine] = shared.enqueue("1")
    assert shared.ended(fine).state is State.COMPLETED
