"""A cancel, a soft timeout and a shutdown reach user code, whatever it is stuck in."""

# ruff: noqa: E501  tables of cells are read across
from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest
from small_supervisor import SmallProcess, SmallZygote

from tether_lab.runner import wire


def started(zygote: SmallZygote, source: str, **more: object) -> SmallProcess:
    """A process that has printed 'ready', where ``source`` says READY, or else before it."""
    process = zygote.fork()
    source = source if "READY" in source else f"READY\n{source}"
    process.task(source.replace("READY", "print('ready')"), **more)
    process.wait(wire.Stream, text="ready\n")
    return process


def tell(process: SmallProcess, number: int, *, again: float) -> None:
    """Signal as a worker does: once more, after ``again`` seconds, if nothing comes of it. (A signal that arrives
    between Python's last look and a long sleep of the kernel's is seen after the sleep.)"""
    for _ in range(2):
        process.signal(number)
        deadline = time.monotonic() + again
        while time.monotonic() < deadline and process.read(0.05):
            if process.of(wire.Ended):
                return


STUCK = {
    "loop": "while True: pass",
    "sleep": "import time; time.sleep(60)",
    "lock": "import threading; l = threading.Lock(); l.acquire(); l.acquire()",
    "except Exception": "import time\nwhile True:\n    try: time.sleep(.01)\n    except Exception: pass",
    "await": "import asyncio\nawait asyncio.sleep(60)",
    "subprocess": "import subprocess; subprocess.run(['sleep', '60'])",
    "command": "!sleep 60\nprint('went on')",
    "getoutput": "x = !sleep 60\nprint('went on')",
    "printing": "while True: print('.' * 50)",
    "printing no lines": "while True: print('.', end='')",
    "displaying": "from IPython.display import display\nwhile True: display({'a': 1})",
    "thread of its own": "import threading, time\nthreading.Thread(target=time.sleep, args=(60,)).start()",
    "pool": "import multiprocessing as m, time\n"
            "with m.get_context('fork').Pool(2) as p: p.map(time.sleep, [60, 60])",
}


@pytest.mark.parametrize("stuck", STUCK)
def test_a_cancel_ends_a_job_that_is_stuck(zygote: SmallZygote, stuck: str) -> None:
    """One SIGINT ends each of these, and the job says so itself."""
    process = started(zygote, STUCK[stuck])
    time.sleep(0.15)
    process.signal(signal.SIGINT)
    process.finish(10)
    assert process.ended.kind == "cancelled"
    assert process.exited is not None
    assert process.exited.exit_code == 0
    assert "went on" not in process.text()


def test_a_cancel_that_was_swallowed_still_ends_the_job_cancelled(zygote: SmallZygote) -> None:
    """Code may catch JobCancelled to save its work; the job is cancelled all the same."""
    process = started(zygote, "import time\ntry: READY; time.sleep(60)\nexcept BaseException as e: print(type(e).__name__)")
    tell(process, signal.SIGINT, again=1.5)
    process.finish(10)
    assert process.ended.kind == "cancelled"
    assert "JobCancelled" in process.text()


def test_finally_blocks_run_on_a_cancel(zygote: SmallZygote) -> None:
    """Clean-up code runs, and what it prints is kept."""
    process = started(zygote, "import time\ntry: READY; time.sleep(60)\nfinally: print('cleaned')")
    tell(process, signal.SIGINT, again=1.5)
    process.finish(10)
    assert "cleaned" in process.text()


def test_a_bare_except_can_look_at_the_flag(zygote: SmallZygote) -> None:
    """ctx.cancelled stays set, and raise_if_cancelled ends loops that catch everything."""
    process = started(zygote, "import time\nwhile not ctx.cancelled:\n"
                              "    try:\n        READY; time.sleep(60)\n    except: pass\n"
                              "print('saw it')\nctx.raise_if_cancelled()\nprint('no')")
    tell(process, signal.SIGINT, again=1.5)
    process.finish(10)
    assert process.text().endswith("saw it\n")
    assert process.ended.kind == "cancelled"


def test_a_cancel_before_the_task_ends_it_at_once(zygote: SmallZygote) -> None:
    """A signal that comes while the process still waits for its task is not lost."""
    process = zygote.fork()
    time.sleep(0.3)
    process.signal(signal.SIGINT)
    time.sleep(0.05)
    process.task("print('ran')")
    process.finish(10)
    assert process.ended.kind == "cancelled"
    assert process.text() == ""


STORM = """
import signal
n = 0
while n < 20:
    try:
        try:
            READY
            while True: print('x' * 100)
        finally:
            n += 1
            if n == 20: signal.signal(signal.SIGINT, signal.SIG_IGN)
    except KeyboardInterrupt: pass
print('done')
"""


def test_frames_stay_whole_under_a_storm_of_signals(zygote: SmallZygote) -> None:
    """Signals that are caught in a printing loop tear no frame."""
    process = started(zygote, STORM)
    while not process.of(wire.Ended):
        if "x" in process.text()[-50_000:]:
            process.signal(signal.SIGINT)
            process.read(0.03)
        process.read(0.01)
    process.finish(10)
    assert process.text().endswith("done\n")
    lines = set(process.text().split("\n"))
    assert all(set(line) <= {"x"} or line.strip("x") in ("ready", "done") for line in lines)


def test_a_soft_timeout_is_raised_where_it_was_asked_for(zygote: SmallZygote) -> None:
    """With catch, SIGUSR2 raises SoftTimeout, and a job that handles it succeeds."""
    source = "import time\ntry: READY; time.sleep(60)\nexcept BaseException as e: print(type(e).__name__)"
    process = started(zygote, source, options='{"timeout": {"soft": 1, "hard": 9, "catch": true}}')
    tell(process, signal.SIGUSR2, again=0.5)
    process.finish(10)
    assert "SoftTimeout" in process.text()
    assert process.ended.kind == "succeeded"


def test_a_soft_timeout_that_is_not_caught_is_named(zygote: SmallZygote) -> None:
    """SoftTimeout that leaves the cell ends the attempt as soft_timed_out."""
    process = started(zygote, "import time; time.sleep(60)",
                      options='{"timeout": {"soft": 1, "hard": 9, "catch": true}}')
    tell(process, signal.SIGUSR2, again=0.5)
    process.finish(10)
    assert process.ended.kind == "soft_timed_out"


def test_without_catch_a_soft_timeout_is_a_flag(zygote: SmallZygote) -> None:
    """SIGUSR2 alone interrupts nothing; ctx tells."""
    process = started(zygote, "import time\nwhile not ctx.soft_timed_out: time.sleep(.01)\nprint('flag')")
    tell(process, signal.SIGUSR2, again=0.5)
    process.finish(10)
    assert "flag" in process.text()
    assert process.ended.kind == "succeeded"


def test_shutting_down_is_a_flag(zygote: SmallZygote) -> None:
    """SIGTERM tells the job that the worker is going; it may finish."""
    process = started(zygote, "import time\nwhile not ctx.shutting_down: time.sleep(.01)\nprint('bye')")
    process.signal(signal.SIGTERM)
    process.finish(10)
    assert "bye" in process.text()
    assert process.ended.kind == "succeeded"


@pytest.mark.parametrize("source", ["while True: sum(range(100))", "import re; re.match(r'(a+)+$', 'a' * 40 + 'b')"])
def test_the_stack_of_a_running_job_can_be_read(zygote: SmallZygote, source: str) -> None:
    """SIGUSR1 writes all stacks to the stack pipe, also while C code holds the interpreter lock."""
    process = started(zygote, source)
    time.sleep(0.1)
    process.signal(signal.SIGUSR1)
    while b"/ipykernel_" not in process.pipes["stack"]:
        assert process.read(1.0)
    process.kill()
    process.finish(10)
    assert process.exited is not None
    assert process.exited.signal == signal.SIGKILL


def test_children_of_user_code_have_ordinary_signals(zygote: SmallZygote) -> None:
    """A forked child dies of SIGTERM as any Python does: Pool.terminate works."""
    process = zygote.run("import multiprocessing as m, time\np = m.get_context('fork').Process(target=time.sleep, args=(60,))\n"
                         "p.start(); time.sleep(.1); p.terminate(); p.join(5); print(p.exitcode)")
    assert process.text() == "-15\n"


def test_a_job_dies_with_its_zygote(tmp_path: Path) -> None:
    """When the zygote is gone, the kernel kills its jobs, also in C code."""
    zygote = SmallZygote(tmp_path)
    process = started(zygote, "import re; re.match(r'(a+)+$', 'a' * 40 + 'b')")
    assert process.exited is None
    process.zygote = None
    zygote.process.kill()
    process.finish(5)                           # raises if its end of the channel is still open then
    zygote.close()


def test_a_child_that_is_ended_while_it_is_forked_ends(zygote: SmallZygote) -> None:
    """Pools end workers that have hardly begun: a signal before the child is an ordinary process is kept."""
    process = zygote.run("import os, signal, time\nfrom tether_lab.runner.signals import Signals\n"
                         "becomes = Signals.after_fork\n"
                         "def ended_before(self): os.kill(os.getpid(), signal.SIGTERM); becomes(self)\n"
                         "Signals.after_fork = ended_before\n"
                         "pid = os.fork()\nif not pid: time.sleep(60); os._exit(0)\n"
                         "ended = os.waitpid(pid, 0)[1]\n"
                         "ended, signal.SIGTERM in signal.pthread_sigmask(signal.SIG_BLOCK, ())")
    assert process.of(wire.Display)[-1].data["text/plain"] == "(15, False)"
