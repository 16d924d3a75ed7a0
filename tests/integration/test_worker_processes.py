"""Processes for jobs: interpreters that do not start, other protocols, spare processes, preloading."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from eventually import eventually
from faults.bench import Bench

from tether_lab.job import Manifest, State, Timeout
from tether_lab.job_queue import cancel, outputs
from tether_lab.worker import spawn


@pytest.fixture
def make_bench(home: Path) -> Iterator[Callable[..., Bench]]:
    made: list[Bench] = []

    def make(**settings: object) -> Bench:
        made.append(Bench(home / f"lab{len(made)}", **settings))
        return made[-1]

    yield make
    for bench in made:
        bench.close()


def script(path: Path, text: str) -> str:
    path.write_text(text)
    path.chmod(0o700)
    return str(path)


@pytest.mark.row(48)
def test_a_runner_that_cannot_start_fails_its_jobs_with_its_own_words(make_bench: Callable[..., Bench]) -> None:
    """Row 48: after five tries with growing pauses; the worker lives and runs others."""
    bench = make_bench()
    worker = bench.worker()
    broken = script(bench.path("python"), "#!/bin/sh\necho 'ImportError: no msgspec here' >&2\nexit 1\n")
    [job] = bench.enqueue("", version=bench.handler("1", key="broken", executable=broken))
    [fine] = bench.enqueue("1")
    assert bench.ended(fine).state is State.COMPLETED
    row = bench.ended(job, within=40)
    assert row.state is State.FAILED
    assert "cannot start" in (row.error or "")
    assert "ImportError: no msgspec here" in (row.error or "")
    assert worker.poll() is None


def test_a_zygote_that_is_killed_while_it_starts_fails_nobody(make_bench: Callable[..., Bench]) -> None:
    """However often: its jobs wait for the one that gets up."""
    bench = make_bench()
    bench.worker()
    count, real = bench.path("count"), sys.executable
    flaky = script(bench.path("python"), f'#!/bin/sh\necho x >> {count}\n'
                   f'[ $(wc -l < {count}) -gt 6 ] || kill -9 $$\nexec {real} "$@"\n')
    [job] = bench.enqueue("", version=bench.handler("1", key="flaky", executable=flaky))
    assert bench.ended(job, within=40).state is State.COMPLETED


def test_another_protocol_is_refused(make_bench: Callable[..., Bench]) -> None:
    """Two versions of tether_lab that do not understand each other do not guess."""
    bench = make_bench()
    bench.worker()
    fake = bench.path("fake.py")
    fake.write_text("import socket, sys\nfrom tether_lab.runner import wire\n"
                    "fd = int(sys.argv[sys.argv.index('--fd') + 1])\n"
                    "ours = socket.socket(fileno=fd)\n"
                    "ours.sendall(wire.frame(wire.Hello(99, 1, '3.11', '/other', '9.9')))\n"
                    "while ours.recv(4096): pass\n")       # until it is refused
    other = script(bench.path("python"), f'#!/bin/sh\nexec {sys.executable} {fake} "$@"\n')
    [job] = bench.enqueue("", version=bench.handler("1", key="other", executable=other))
    row = bench.ended(job)
    assert row.state is State.FAILED
    assert "protocol 99" in (row.error or "")


def test_a_spare_process_runs_jobs_like_a_forked_one(make_bench: Callable[..., Bench]) -> None:
    """The path without fork: output, result, exit code, time-out, no child left."""
    bench = make_bench(start_method="spare", crash_budget=1)
    bench.worker()
    [fine] = bench.enqueue("print('hello')\n6 * 7")
    [crash] = bench.enqueue("import os\nos._exit(7)")
    [late] = bench.enqueue("sum(range(10**13))", timeout=Timeout(hard=1.0))
    [parent] = bench.enqueue("import subprocess\nsubprocess.Popen(['sleep', '300'], start_new_session=True)\n1")
    assert bench.ended(fine).state is State.COMPLETED
    assert bench.result(fine) == 42
    assert "exit code 7" in (bench.ended(crash).error or "")
    assert bench.attempts(crash)[-1].usage.exit_code == 7
    assert bench.ended(late).error == "timed out after 1 s"
    assert bench.ended(parent).state is State.COMPLETED
    assert (bench.attempts(fine)[-1].usage.peak_bytes or 0) > 10_000_000
    eventually(lambda: not [p for p in bench.marked() if p.name() == "sleep"], within=2)


def test_libraries_of_recent_jobs_are_imported_ahead(make_bench: Callable[..., Bench]) -> None:
    """The second job finds numpy loaded, because the first one's manifest named it."""
    bench = make_bench()
    bench.worker()
    manifest = Manifest(cwd=str(bench.folder.path), imports={"np": "numpy"}, packages=("numpy",),
                        python=f"{sys.version_info[0]}.{sys.version_info[1]}")
    version = bench.handler("import sys\n'numpy' in ctx.payload['seen']", key="np", manifest=manifest)
    [first] = bench.enqueue("", {"seen": []}, version=version)
    bench.ended(first)
    probe = bench.handler("import sys\n'numpy' in sys.modules", key="probe")

    def loaded() -> bool:
        [job] = bench.enqueue("", version=probe)
        bench.ended(job)
        return bool(bench.result(job))

    eventually(loaded, within=20, say="numpy in a fresh job")


def test_under_load_another_zygote_imports_and_takes_over(make_bench: Callable[..., Bench]) -> None:
    """While a long job keeps the first zygote from importing, a second one does; jobs start in it from then on,
    the long one ends as if nothing had been, and then the first zygote is gone."""
    bench = make_bench()
    bench.worker()
    manifest = Manifest(cwd=str(bench.folder.path), imports={"np": "numpy"}, packages=("numpy",),
                        python=f"{sys.version_info[0]}.{sys.version_info[1]}")
    flag = bench.folder.path / "go"
    code = (f"import pathlib, sys, time\nwhile not pathlib.Path({str(flag)!r}).exists(): time.sleep(0.05)\n"
            "'numpy' in sys.modules")
    [held] = bench.enqueue("", version=bench.handler(code, key="long", manifest=manifest))
    eventually(lambda: bench.job(held).state is State.RUNNING, within=20)
    probe = bench.handler("import sys\n'numpy' in sys.modules", key="probe")

    def loaded() -> bool:
        [job] = bench.enqueue("", version=probe)
        bench.ended(job)
        return bool(bench.result(job))

    def zygotes() -> list[psutil.Process]:
        return [p for p in bench.marked() if p.name() == "tether-lab zygo"]

    eventually(loaded, within=30, say=f"numpy in a fresh job\n{bench.log()}")
    assert bench.job(held).state is State.RUNNING
    eventually(lambda: len(zygotes()) == 2, within=10, say="two")     # a fork has its zygote's name at first
    flag.touch()
    assert bench.ended(held).state is State.COMPLETED
    eventually(lambda: len(zygotes()) == 1, within=10, say=f"the end of the first zygote\n{bench.log()}")
    assert bool(loaded())


def test_an_idle_zygote_gives_its_memory_back(make_bench: Callable[..., Bench]) -> None:
    """After its rest it is gone, with its idle children; the next job gets a new one."""
    bench = make_bench(idle_zygote=0.4)
    worker = psutil.Process(bench.worker().pid)
    [job] = bench.enqueue("1")
    bench.ended(job)
    eventually(lambda: not worker.children(recursive=True), within=5, say="no processes but the worker")
    [again] = bench.enqueue("2")
    assert bench.ended(again).state is State.COMPLETED


def test_output_arrives_in_order_from_every_source(make_bench: Callable[..., Bench]) -> None:
    """Python's streams, a display, a child process: rows in the order of their writing."""
    bench = make_bench()
    bench.worker()
    [job] = bench.enqueue("import subprocess, sys\nprint('one')\nprint('two', file=sys.stderr)\n"
                          "from IPython.display import display\ndisplay({'three': 3})\nprint('four')\n"
                          "subprocess.run(['echo', 'child'])\n'five'")
    assert bench.ended(job).state is State.COMPLETED
    bodies = [json.loads(body) for _, _, body in outputs.read(bench.queue, job)]
    kinds = [b["k"] for b in bodies if b.get("text") != "child\n"]
    assert kinds == ["stream", "stream", "display_data", "stream", "execute_result"]
    assert "child\n" in "".join(b.get("text", "") for b in bodies)


def test_progress_of_a_job_is_kept_with_its_last_state(make_bench: Callable[..., Bench]) -> None:
    """ctx.progress becomes the row's progress, the final one included."""
    bench = make_bench()
    bench.worker()
    [job] = bench.enqueue("for i in range(1, 6): ctx.progress(i, 5, f'step {i}')")
    assert bench.ended(job).state is State.COMPLETED
    progress = json.loads(bench.job(job).progress or "{}")
    assert progress["fraction"] == 1.0
    assert progress["message"] == "step 5"


def test_a_pending_burst_keeps_to_its_slots(make_bench: Callable[..., Bench]) -> None:
    """Forty jobs on two runners: never more than two at once, all of them done."""
    bench = make_bench()
    bench.worker()
    begun = time.monotonic()
    jobs = bench.enqueue("import time\ntime.sleep(.02)\n1", count=40)
    for job in jobs:
        assert bench.ended(job, within=60).state is State.COMPLETED
    print(f"40 cells in {time.monotonic() - begun:.2f} s")
    spans = sorted((a.started_at, a.finished_at) for job in jobs for a in bench.attempts(job))
    for start, _ in spans:
        assert sum(s <= start < (f or 0) for s, f in spans) <= 2


def test_a_warm_process_is_used_again_and_let_go_on_a_trace(make_bench: Callable[..., Bench]) -> None:
    """Same pid for job after job; a job that leaves a thread behind is the last one of its process."""
    bench = make_bench(runners=1)
    bench.worker()
    code = ("import os, threading, time\ndef who(ctx, dirty):\n"
            "    if dirty: threading.Thread(target=time.sleep, args=(30,), daemon=True).start()\n"
            "    return os.getpid()")
    who = bench.function(code, "who", dirty=True)
    pids = []
    for dirty in (False, False, True, False, False):
        [job] = bench.enqueue("", {"dirty": dirty}, version=who, isolation="warm")
        assert bench.ended(job).state is State.COMPLETED
        pids.append(bench.result(job))
    assert pids[0] == pids[1] == pids[2]
    assert pids[3] == pids[4] != pids[0]


def test_warm_processes_that_end_together_begin_together_again(make_bench: Callable[..., Bench]) -> None:
    """As many as there are places, none forked anew; those that nobody needs are let go after a while."""
    bench = make_bench(runners=32)
    bench.worker()
    nap = bench.function("def f():\n    import os, time\n    time.sleep(0.3 - time.time() % 0.3)\n"
                         "    return os.getpid()", "f")
    jobs = bench.enqueue("", [{}] * 192, version=nap, isolation="warm")
    eventually(lambda: all(bench.job(job).is_final for job in jobs), within=30, say=bench.log())
    used = {bench.result(job) for job in jobs}
    assert len(used) <= 32
    eventually(lambda: sum(map(psutil.pid_exists, used)) <= 6, within=10, say="most of them let go")


def test_a_cancelled_warm_job_does_not_hurt_the_next(make_bench: Callable[..., Bench]) -> None:
    """The interrupt was for one job: its process is not used again."""
    bench = make_bench(runners=1)
    bench.worker()
    nap = bench.function("import time\ndef nap(ctx, seconds):\n    time.sleep(seconds)\n    return 1", "nap",
                         seconds=True)
    [long] = bench.enqueue("", {"seconds": 60}, version=nap, isolation="warm")
    eventually(lambda: bench.job(long).state is State.RUNNING and bench.attempts(long)[-1].usage.pid)
    [after] = bench.enqueue("", {"seconds": 0}, version=nap, isolation="warm")
    cancel.cancel(bench.queue, [long])
    spawn.wake(bench.folder)
    assert bench.ended(long).state is State.CANCELLED
    assert bench.ended(after).state is State.COMPLETED


@pytest.mark.row(31)
def test_a_full_disk_keeps_the_ending_and_writes_it_later(make_bench: Callable[..., Bench]) -> None:
    """Row 31: the result waits in memory until there is room; nothing is lost, nothing run twice."""
    bench = make_bench()
    worker = psutil.Process(bench.worker().pid)
    flag = bench.path("go")
    [job] = bench.enqueue(f"import os, time\nopen({str(bench.path('started-1'))!r}, 'w').close()\n"
                          f"while not os.path.exists({str(flag)!r}): time.sleep(.01)\n'kept'")
    bench.running(job)
    soft, hard = worker.rlimit(psutil.RLIMIT_FSIZE)
    worker.rlimit(psutil.RLIMIT_FSIZE, (4096, hard))      # every write to the log fails from here on
    flag.touch()
    eventually(lambda: "kept and tried again" in bench.log(), say=f"a full disk\n{bench.log()}")
    assert bench.job(job).state is State.RUNNING
    worker.rlimit(psutil.RLIMIT_FSIZE, (soft, hard))
    assert bench.ended(job).state is State.COMPLETED
    assert bench.result(job) == "kept"
    assert len(bench.attempts(job)) == 1


@pytest.mark.row(34)
def test_a_database_that_is_replaced_ends_the_worker(make_bench: Callable[..., Bench]) -> None:
    """Row 34: noticed within a second; its jobs end with it, nothing is written into the dead file."""
    bench = make_bench()
    worker = bench.worker()
    bench.queue.close()
    aside = bench.folder.path / "queue.db.aside"
    bench.folder.queue_db.rename(aside)
    try:
        assert worker.wait(5) != 0
    finally:
        aside.rename(bench.folder.queue_db)
