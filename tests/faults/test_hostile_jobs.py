"""Fault matrix, rows 14, 17, 18, 20, 23, 25, 28: what jobs do to themselves, and what they cannot load, with
one worker that must outlive them all."""

from __future__ import annotations

import json
import sys
import time

import psutil
import pytest
from eventually import eventually
from faults.bench import Bench
from faults.test_jobs_misbehave import text

from tether_lab.job import Manifest, State, Timeout

PYTHON = f"{sys.version_info[0]}.{sys.version_info[1]}"
LITTLE = "import resource\nresource.setrlimit(resource.RLIMIT_AS, (700_000_000, 700_000_000))\n"


@pytest.mark.row(14)
def test_a_leak_under_a_limit_is_a_memory_error(shared: Bench) -> None:
    """RLIMIT_AS turns a leak into an ordinary failure, with its traceback."""
    [job] = shared.enqueue(LITTLE + "hoard = []\nwhile True: hoard.append(bytearray(50_000_000))")
    row = shared.ended(job)
    assert row.state is State.FAILED
    assert shared.attempts(job)[-1].error_type == "MemoryError"


@pytest.mark.row(14)
def test_a_kill_from_outside_is_told_by_its_signal(shared: Bench) -> None:
    """SIGKILL that is neither ours nor the OOM killer's is not called lack of memory."""
    [job] = shared.enqueue("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)")
    row = shared.ended(job)
    assert "SIGKILL" in (row.error or "")
    assert "memory" not in (row.error or "")


BOMB = """
import os, time
for number in range(50):
    if os.fork() == 0:
        if number % 2: os.setsid()
        os.fork()
        while True: time.sleep(60)
'lit'
"""


@pytest.mark.row(17)
@pytest.mark.parametrize("how", ["ends", "times out"])
def test_a_light_fork_bomb_is_swept(shared: Bench, how: str) -> None:
    """A hundred forks, half of them in sessions of their own: none outlives the job by two seconds, and the
    worker starts another job meanwhile."""
    before = {p.pid for p in shared.marked()}
    code = BOMB if how == "ends" else BOMB + "\ntime.sleep(60)"
    [job] = shared.enqueue(code, timeout=Timeout(hard=3.0))
    [other] = shared.enqueue("'answered'")
    assert shared.ended(other).state is State.COMPLETED
    row = shared.ended(job)
    assert row.state is (State.COMPLETED if how == "ends" else State.FAILED), row
    # what is kept ready for the next job may be new
    eventually(lambda: len({p.pid for p in shared.marked()} - before) <= 3, within=3, say="the end of the bomb")


@pytest.mark.row(18)
@pytest.mark.parametrize("code", [
    "import sys\nfor _ in range(2000): sys.stdout.write('x' * 65536)\n'end'",             # without a line end
    "import sys\nfor n in range(400_000): print(n, 'y' * 50)\n'end'",
    "import os\nfor _ in range(500): os.write(1, bytes(range(256)) * 256)\n'end'",         # no text at all
    "import sys\nfor n in range(300_000): sys.stderr.write(f'\\r{n:>60}')\n'end'",
], ids=["no line end", "lines", "bytes", "bars"])
def test_floods_are_kept_in_part_and_counted(shared: Bench, code: str) -> None:
    """Whatever is poured out, what is kept is bounded and the worker stays small."""
    supervisor = psutil.Process(shared.workers[0].pid)
    [job] = shared.enqueue(code)
    peak = 0
    while not shared.job(job).is_final:
        peak = max(peak, supervisor.memory_info().rss)
        time.sleep(0.02)
    assert shared.ended(job, within=40).state is State.COMPLETED
    assert shared.result(job) == "end"
    kept = text(shared, job)
    assert 0 < len(kept) < 1_400_000
    assert peak < 60_000_000, f"{peak / 1e6:.1f} MB"


@pytest.mark.row(20)
def test_the_next_job_finds_the_process_as_it_should_be(shared: Bench) -> None:
    """Working folder, umask, limits, locale, niceness, threads and descriptors of a job end with it."""
    probe = ("import os, locale, threading, resource, signal, sys\n"
             "(os.getcwd(), os.umask(0o77), locale.setlocale(locale.LC_ALL), threading.active_count(),\n"
             " resource.getrlimit(resource.RLIMIT_NOFILE), type(signal.getsignal(signal.SIGALRM)).__name__,\n"
             " os.nice(0), len(sys.path), sorted(k for k in os.environ if k.startswith('STRANGE')))")
    [before] = shared.enqueue(probe)
    shared.ended(before)
    [bad] = shared.enqueue(
        "import os, resource, signal, sys, threading, time\nos.chdir('/'); os.umask(0); os.nice(5)\n"
        "os.environ['STRANGE'] = '1'; sys.path.append('/nowhere')\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64)); signal.signal(signal.SIGALRM, lambda *_: None)\n"
        "threading.Thread(target=time.sleep, args=(60,), daemon=True).start()")
    assert shared.ended(bad).state is State.COMPLETED
    [after] = shared.enqueue(probe)
    shared.ended(after)
    assert shared.result(after) == shared.result(before)


@pytest.mark.row(23)
def test_a_question_to_nobody_does_not_hang(shared: Bench) -> None:
    """input() and its kind fail at once, and say why."""
    [job] = shared.enqueue("input('who is there? ')")
    row = shared.ended(job, within=10)
    assert row.state is State.FAILED
    assert shared.attempts(job)[-1].error_type == "NobodyThere"


@pytest.mark.row(25)
@pytest.mark.parametrize(("manifest", "names"), [
    ({"imports": {"gone": "no_such_module_here"}}, "no_such_module_here"),
    ({"python": "3.5"}, "Python 3.5"),
], ids=["module", "python"])
def test_what_cannot_be_loaded_fails_by_name_and_once(
    shared: Bench, manifest: dict[str, object], names: str,
) -> None:
    """Trying again would not bring it back: three attempts are allowed, one is made."""
    given = Manifest(**{"cwd": str(shared.folder.path), "python": PYTHON, **manifest})  # type: ignore[arg-type]
    version = shared.handler(f"'{names}'", key=f"gone-{len(names)}", manifest=given)
    [job] = shared.enqueue("", version=version, max_attempts=3)
    row = shared.ended(job)
    assert row.state is State.FAILED
    assert names in (row.error or ""), row.error
    assert row.attempt == 1


@pytest.mark.row(25)
def test_a_file_that_is_gone_fails_its_job_by_name(shared: Bench) -> None:
    """What a handler took along lies in files; one was removed by hand, another was cut."""
    before = set(shared.folder.blobs.rglob("*"))
    versions = [shared.function(f"import array\nraw = array.array('d', [{n}.0]) * 100_000\n"
                                f"def lost{n}(): return len(raw)", f"lost{n}") for n in (1, 2)]
    gone, cut = sorted(p for p in set(shared.folder.blobs.rglob("*")) - before if p.is_file())[:2]
    gone.unlink()
    with cut.open("r+b") as file:
        file.truncate(1000)
    for version in versions:
        [job] = shared.enqueue("", version=version, max_attempts=3)
        row = shared.ended(job)
        assert row.state is State.FAILED
        assert gone.name[:12] in (row.error or "") or cut.name[:12] in (row.error or ""), row.error
        assert row.attempt == 1


@pytest.mark.row(28)
@pytest.mark.parametrize("value", [
    "float('nan')", "(n for n in range(3))", "lambda: 1", "open('/dev/null')", "{1: 2, '1': 3}", "'\\ud800'",
    "10 ** 5000", "type('Odd', (), {'__reduce__': lambda self: 1 / 0})()",
    "type('Mute', (), {'__repr__': lambda self: 1 / 0})()", "b'x' * 30_000_000",
])
def test_whatever_a_job_returns_the_job_is_done(shared: Bench, value: str) -> None:
    """A result that cannot be stored as it is never turns a success into a failure."""
    [job] = shared.enqueue(value)
    row = shared.ended(job)
    assert row.state is State.COMPLETED, row.error
    from tether_lab.job_queue import read

    stored = read.result(shared.queue, job)
    assert stored is not None
    assert stored.kind in ("json", "pickle", "unavailable")
    if stored.kind == "json":
        json.loads(stored.body)
