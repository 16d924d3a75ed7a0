"""Fault matrix, rows 11 to 13, 15, 16, 18, 19, 22: user code that crashes, hangs, leaves things behind."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

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


def test_exit_code_seven_is_a_crash_with_its_output(make_bench: Callable[..., Bench]) -> None:
    """Row 11: the code is in the words, the last output is kept, the crash budget decides."""
    bench = make_bench(crash_budget=1)
    bench.worker()
    [job] = bench.enqueue("import os\nprint('last words', flush=True)\n"
                          "os.write(1, b'raw words\\n')\nos._exit(7)")
    row = bench.ended(job)
    assert row.state is State.FAILED
    assert "exit code 7" in (row.error or "")
    attempt = bench.attempts(job)[-1]
    assert (attempt.outcome, attempt.usage.exit_code) == ("crashed", 7)
    assert "raw words" in text(bench, job)


@pytest.mark.parametrize(("code", "name"), [
    ("import ctypes\nctypes.string_at(0)", "SIGSEGV"), ("import os\nos.abort()", "SIGABRT"),
])
def test_a_segfault_is_told_by_name_and_hurts_nobody_else(
    make_bench: Callable[..., Bench], code: str, name: str,
) -> None:
    """Row 12: the signal's name and the interpreter's own dump are kept; other jobs go on."""
    bench = make_bench(crash_budget=1)
    bench.worker()
    [other] = bench.enqueue("import time\ntime.sleep(.5)\n'fine'")
    [job] = bench.enqueue(code)
    row = bench.ended(job)
    assert name in (row.error or "")
    attempt = bench.attempts(job)[-1]
    assert "Fatal Python error" in (attempt.traceback or "") + text(bench, job)
    assert bench.ended(other).state is State.COMPLETED


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


@pytest.mark.parametrize("code", [
    DEAF,
    "import re\nre.match(r'(a+)+$', 'a' * 40 + 'b')",
    "sum(range(10**13))",
])
def test_a_hard_timeout_ends_what_cannot_be_interrupted(bench: Bench, code: str) -> None:
    """Row 15: signals ignored, or the interpreter lock held in C: killed at the deadline."""
    bench.worker()
    begun = time.monotonic()
    [job] = bench.enqueue(code, timeout=Timeout(hard=0.5))
    row = bench.ended(job)
    assert row.state is State.FAILED
    assert row.error == "timed out after 0.5 s"
    assert bench.attempts(job)[-1].outcome == "timed_out"
    assert time.monotonic() - begun < 10


def test_a_soft_timeout_is_an_event_and_can_be_caught(bench: Bench) -> None:
    """The event is written; with catch the job saves what it has and completes."""
    bench.worker()
    code = ("import time\nfrom tether_lab.errors import SoftTimeout\n"
            "try:\n    time.sleep(30)\nexcept SoftTimeout:\n    saved = 'saved'\nsaved")
    [job] = bench.enqueue(code, timeout=Timeout(soft=0.3, hard=20.0, catch=True))
    assert bench.ended(job).state is State.COMPLETED
    assert bench.result(job) == "saved"
    assert "soft_timeout" in [e.kind for e in bench.events(job)]


@pytest.mark.parametrize("session", [False, True])
def test_children_end_with_their_job(bench: Bench, session: bool) -> None:
    """Row 16: all dead within a second of the end, also those in a session of their own."""
    bench.worker()
    [job] = bench.enqueue("import subprocess\nfor _ in range(5): "
                          f"subprocess.Popen(['sleep', '300'], start_new_session={session})\n'left them'")
    assert bench.ended(job).state is State.COMPLETED
    eventually(lambda: not [p for p in bench.marked() if p.name() == "sleep"], within=1.5, say="no sleepers")


def test_children_of_a_killed_job_end_too(bench: Bench) -> None:
    """Row 16 with a time-out: the group and whoever left it."""
    bench.worker()
    [job] = bench.enqueue("import subprocess, time\n"
                          "subprocess.Popen(['sleep', '300'], start_new_session=True)\ntime.sleep(100)",
                          timeout=Timeout(hard=0.7))
    bench.ended(job)
    eventually(lambda: not [p for p in bench.marked() if p.name() == "sleep"], within=1.5, say="no sleepers")


STUBBORN_TREE = f"""
import subprocess, sys
deaf = {DEAF!r}
tree = ("import subprocess, sys; subprocess.Popen([sys.executable, '-c', " + repr(deaf)
        + "], start_new_session=True); print('ready', flush=True)\\n" + deaf)
subprocess.run([sys.executable, '-c', tree])
"""


@pytest.mark.parametrize("how", ["timeout", "cancel"])
def test_a_tree_that_ignores_signals_leaves_no_process(bench: Bench, how: str) -> None:
    """Row 16: children deaf to SIGINT and SIGTERM, one in a session of its own, end with the job."""
    bench.worker()

    def deaf() -> list[psutil.Process]:
        return [p for p in bench.marked() if "SIG_IGN" in " ".join(p.cmdline())]

    [job] = bench.enqueue(STUBBORN_TREE, timeout=Timeout(hard=3.0) if how == "timeout" else None)
    eventually(lambda: "ready" in text(bench, job), say="the tree stands")
    assert len(deaf()) == 2
    asked = time.monotonic()
    if how == "cancel":
        cancel.cancel(bench.queue, [job])
        spawn.wake(bench.folder)
    assert bench.ended(job).state is (State.CANCELLED if how == "cancel" else State.FAILED)
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


@pytest.mark.parametrize("code", [BOTTOMLESS, "def f(): return f()\nf()"])
def test_runaway_recursion_is_attributed(make_bench: Callable[..., Bench], code: str) -> None:
    """Row 22: an error or a crash in words, under a bound on memory; the worker lives."""
    bench = make_bench(crash_budget=1)
    worker = bench.worker()
    [job] = bench.enqueue(code, timeout=Timeout(hard=15.0))
    row = bench.ended(job, within=30)
    assert row.state is State.FAILED
    assert any(word in (row.error or "") for word in ATTRIBUTED), row.error
    assert worker.poll() is None


def test_a_memory_limit_ends_the_job_in_words(make_bench: Callable[..., Bench]) -> None:
    """Row 14: resident memory is polled from outside."""
    bench = make_bench(crash_budget=1)
    bench.worker()
    [job] = bench.enqueue("import time\nhog = b'x' * 400_000_000\ntime.sleep(20)", memory=300_000_000)
    row = bench.ended(job)
    assert row.state is State.FAILED
    assert "memory limit: used" in (row.error or "")
    assert "at most 300 MB" in (row.error or "")


def test_a_gigabyte_of_output_leaves_the_supervisor_small(bench: Bench) -> None:
    """Row 18: head and tail are kept, the rest is counted; resident memory stays below 50 MB."""
    worker = bench.worker()
    [job] = bench.enqueue("import os\nblock = b'z' * 65536\nfor _ in range(16000): os.write(1, block)\n'end'")
    supervisor, peak = psutil.Process(worker.pid), 0
    while not bench.job(job).is_final:
        peak = max(peak, supervisor.memory_info().rss)
        time.sleep(0.02)
    assert bench.ended(job, within=60).state is State.COMPLETED
    kept = text(bench, job)
    assert "not kept; raise with --max-output" in kept
    assert len(kept) < 1_300_000
    assert peak < 50_000_000, f"{peak / 1e6:.1f} MB"


def test_a_job_that_closes_every_descriptor_does_not_hang(make_bench: Callable[..., Bench]) -> None:
    """Row 19: it finishes, or it crashed with a lost control channel."""
    bench = make_bench(crash_budget=1)
    bench.worker()
    [job] = bench.enqueue("import os\nos.closerange(0, 2000)\n1")
    row = bench.ended(job)
    assert row.state is State.COMPLETED or "control channel lost" in (row.error or "")


def test_cancel_interrupts_a_running_job(bench: Bench) -> None:
    """A loop in Python ends at the first SIGINT."""
    bench.worker()
    [job] = bench.enqueue(f"import time\nopen({str(bench.path('started-1'))!r}, 'w').close()\n"
                          "while True: time.sleep(.01)")
    bench.running(job)
    begun = time.monotonic()
    cancel.cancel(bench.queue, [job])
    spawn.wake(bench.folder)
    row = bench.ended(job)
    assert row.state is State.CANCELLED
    assert time.monotonic() - begun < 1.4


def test_cancel_kills_what_holds_the_interpreter(bench: Bench) -> None:
    """C code that never looks at signals is killed when the grace is over."""
    bench.worker()
    [job] = bench.enqueue(f"open({str(bench.path('started-1'))!r}, 'w').close()\nsum(range(10**13))")
    bench.running(job)
    begun = time.monotonic()
    cancel.cancel(bench.queue, [job])
    spawn.wake(bench.folder)
    assert bench.ended(job).state is State.CANCELLED
    assert 1.5 < time.monotonic() - begun < 5


def test_the_stack_of_a_running_job_is_told(bench: Bench) -> None:
    """Also while C code holds the interpreter lock; a job that does not run is said so."""
    bench.worker()
    [job] = bench.enqueue(f"open({str(bench.path('started-1'))!r}, 'w').close()\n"
                          "def deep(): sum(range(10**13))\ndeep()", timeout=Timeout(hard=15.0))
    bench.running(job)
    time.sleep(0.2)
    assert "deep" in spawn.stack(bench.folder, job)
    assert "is not running" in spawn.stack(bench.folder, 999)


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


def test_a_missing_interpreter_fails_the_job_with_a_remedy(bench: Bench) -> None:
    """Row 48: the environment is gone; other jobs run."""
    bench.worker()
    version = bench.handler("1", key="gone", executable="/nowhere/bin/python")
    [job] = bench.enqueue("", version=version)
    row = bench.ended(job)
    assert row.state is State.FAILED
    assert "/nowhere/bin/python" in (row.error or "")
    [fine] = bench.enqueue("1")
    assert bench.ended(fine).state is State.COMPLETED
