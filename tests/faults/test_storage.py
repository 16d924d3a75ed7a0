"""Fault matrix, rows 31, 32, 34, 37: no room, no permission, damage, and a reader that never ends. Reading
goes on where it can, errors say what to do, nothing is half written."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import ordinary_user
import psutil
import pytest
from eventually import eventually
from faults.bench import Bench, now
from faults.inv import completed, whole

from tether_lab import Lab
from tether_lab.errors import QueueCorrupt
from tether_lab.job import HandlerVersion, State
from tether_lab.job_queue import checkpoint, read
from tether_lab.lab.backup import restore
from tether_lab.settings import LabFolder
from tether_lab.worker.service import REPLACED

ASK = """
import json
from tether_lab import Lab
from tether_lab.errors import TetherLabError
lab, told = Lab(autostart=False), {}
for name, verb in VERBS.items():
    try: told[name] = ["fine", repr(verb(lab))[:200]]
    except TetherLabError as error: told[name] = [error.code, str(error)]
print(json.dumps(told))
"""


def asked(verbs: str, **limits: int) -> dict[str, list[str]]:
    """What verbs of a Lab say in a process of an ordinary user."""
    done = ordinary_user.run(f"VERBS = {verbs}{ASK}", **limits)
    assert done.returncode == 0, done.stderr
    found: dict[str, list[str]] = json.loads(done.stdout)
    return found


@pytest.fixture
def lab(home: Path) -> Lab:
    """Three jobs of one handler, none running, nothing open."""
    lab = Lab(autostart=False)
    lab.register(lambda payload: payload, "work")
    for n in range(3):
        lab.enqueue("work", {"n": n})
    lab.close()
    return lab


READS = ("'jobs': lambda lab: len(lab.jobs()), 'counts': lambda lab: lab.counts(), "
         "'status': lambda lab: str(lab.get(1).status), 'payload': lambda lab: lab.get(2).payload")


@pytest.mark.row(32)
@pytest.mark.parametrize("what", ["folder", "file", "both"])
def test_without_permission_to_write_reading_goes_on(lab: Lab, what: str) -> None:
    """Every read answers, every write says which file and how to look; a worker refuses with the same words."""
    folder, file = lab.folder.path, lab.folder.queue_db
    if what != "folder":
        file.chmod(0o400)
    if what != "file":
        folder.chmod(0o500)
    try:
        told = asked("{" + READS + ", 'enqueue': lambda lab: lab.enqueue('work', {'n': 9}), "
                     "'cancel': lambda lab: lab.get(1).cancel()}")
        worker = ordinary_user.run(
            f"import runpy, sys\nsys.argv = ['worker', '--lab', {str(folder)!r}]\n"
            "runpy.run_module('tether_lab.worker', run_name='__main__')")
    finally:
        folder.chmod(0o700)
        file.chmod(0o600)
    assert {name: told[name][0] for name in ("jobs", "counts", "status", "payload")} == dict.fromkeys(
        ("jobs", "counts", "status", "payload"), "fine")
    assert told["jobs"][1] == "3"
    for verb in ("enqueue", "cancel"):
        assert told[verb][0] == "queue_read_only", told[verb]
        assert "ls -la" in told[verb][1]
    assert worker.returncode != 0
    assert "ls -la" in worker.stderr
    assert lab.counts() == {State.PENDING: 3}
    lab.enqueue("work", {"n": 4})
    lab.close()


@pytest.mark.row(31)
def test_a_full_disk_refuses_jobs_and_leaves_nothing_half_written(lab: Lab) -> None:
    """Jobs, handlers and large captures: StorageFull with what to do; rows, files and versions are as before;
    small things go on as long as they fit."""
    before = {str(p.relative_to(lab.folder.path)) for p in lab.folder.blobs.rglob("*") if p.is_file()}
    told = asked("{" + READS + ", "
                 "'one': lambda lab: lab.enqueue('work', {'n': 'x' * 3_000_000}), "
                 "'many': lambda lab: lab.enqueue_many('work', [{'n': 'y' * 1000}] * 3000), "
                 "'file': lambda lab: lab.enqueue('work', {'n': b'z' * 3_000_000}), "
                 "'handler': lambda lab: lab.register(eval('lambda payload, big=bytes(2_000_000): 1'), 'big')}",
                 limit_files=700_000)
    for verb in ("one", "many", "file", "handler"):
        assert told[verb][0] == "storage_full", told[verb]
        assert "space" in told[verb][1].lower()
    assert told["jobs"] == ["fine", "3"]
    assert lab.counts() == {State.PENDING: 3}
    assert [h.key for h in lab.handlers()] == ["work"]
    after = {str(p.relative_to(lab.folder.path)) for p in lab.folder.blobs.rglob("*") if p.is_file()}
    assert after == before
    whole(_bench_of(lab))
    lab.enqueue("work", {"n": 4})
    lab.close()


def _bench_of(lab: Lab) -> Bench:
    made = object.__new__(Bench)
    made.queue = lab.queue
    return made


@pytest.mark.row(31)
def test_a_worker_on_a_full_disk_waits_and_resumes(make_bench: Callable[..., Bench]) -> None:
    """Three jobs end while nothing can be written, leases pass, clients still read; with room again all endings
    are recorded, each of its first attempt."""
    bench = make_bench(lease=1.0, runners=3)
    worker = psutil.Process(bench.worker().pid)
    flag = bench.path("go")
    jobs = [bench.enqueue("", {"n": n}, version=_with_n(bench, flag))[0] for n in range(3)]
    for n in range(3):
        eventually(lambda n=n: bench.path(f"started-{n}").exists(), within=20)
    _, hard = worker.rlimit(psutil.RLIMIT_FSIZE)
    worker.rlimit(psutil.RLIMIT_FSIZE, (4096, hard))
    flag.touch()
    eventually(lambda: bench.log().count("tried again") >= 3, within=20, say=f"trying\n{bench.log()}")
    assert [bench.job(job).state for job in jobs] == [State.RUNNING] * 3
    worker.rlimit(psutil.RLIMIT_FSIZE, (hard, hard))
    completed(bench, dict(zip(jobs, range(3), strict=True)))
    assert [len(bench.attempts(job)) for job in jobs] == [1, 1, 1]


def _with_n(bench: Bench, flag: Path) -> HandlerVersion:
    return bench.handler(
        f"import os, time\nopen({str(bench.path('started-'))!r} + str(n), 'w').close()\n"
        f"print('x' * 200_000)\nwhile not os.path.exists({str(flag)!r}): time.sleep(.01)\nn",
        key="full", parameters='{"n": {"required": true, "type": null}}')


@pytest.mark.row(31)
def test_a_result_waits_for_room(bench: Bench) -> None:
    """The job itself finds the disk full when it stores its result: it waits, says so, and completes."""
    bench.worker()
    flag = bench.path("go")
    [job] = bench.enqueue(
        "import os, resource, threading, time\n"
        "soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))\n"
        "def room():\n"
        f"    while not os.path.exists({str(flag)!r}): time.sleep(.02)\n"
        "    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))\n"
        "threading.Thread(target=room, daemon=True).start()\n"
        "bytearray(3_000_000)")
    eventually(lambda: any("waits for room" in str(e.detail) for e in bench.events(job)), within=20,
               say=f"a word about it\n{bench.log()}")
    assert bench.job(job).state is State.RUNNING
    flag.touch()
    assert bench.ended(job).state is State.COMPLETED
    stored = read.result(bench.queue, job)
    assert stored is not None
    assert stored.kind == "pickle"
    assert len(bench.attempts(job)) == 1


@pytest.mark.row(31)
def test_a_worker_that_starts_on_a_full_disk_says_so(bench: Bench) -> None:
    """It ends with words and a code; the job waits, and runs once there is room."""
    [job] = bench.enqueue("'ran'")
    command = ["bash", "-c", 'ulimit -f 4; exec "$0" -m tether_lab.worker --lab "$1"', sys.executable,
               str(bench.folder.path)]
    done = subprocess.run(command, env=bench.environ(), capture_output=True, text=True, timeout=40, check=False)
    assert done.returncode != 0
    assert "space" in done.stderr.lower(), done.stderr
    assert bench.job(job).state is State.PENDING
    bench.worker()
    completed(bench, {job: "ran"})


@pytest.mark.row(34)
def test_damage_under_a_worker_stops_it_and_touches_nothing(bench: Bench) -> None:
    """It says so and ends; the files are left to whoever mends them; readers are told, never an empty queue."""
    _some_jobs(bench)
    worker = bench.worker()
    _garble(bench.folder.queue_db, range(3, bench.folder.queue_db.stat().st_size // 4096))
    eventually(lambda: worker.poll() is not None, within=20, say=f"the end of it\n{bench.log()}")
    assert worker.returncode != 0
    assert "damaged" in bench.log()
    _told_as_damaged(bench)


@pytest.mark.row(34)
def test_a_damaged_header_is_told_and_no_worker_starts_on_it(bench: Bench) -> None:
    """Nor is anything made anew in its place."""
    _some_jobs(bench)
    _garble(bench.folder.queue_db, [0])
    before = bench.folder.queue_db.read_bytes()
    worker = bench.worker(ready=False)
    assert worker.wait(20) != 0
    assert "damaged" in bench.log()
    _told_as_damaged(bench)
    assert bench.folder.queue_db.read_bytes() == before


def _some_jobs(bench: Bench, count: int = 300) -> None:
    """Three that ended and many that wait, all in the database file, nothing open."""
    worker = bench.worker()
    for job in bench.enqueue("1", count=count)[:3]:
        bench.ended(job)
    bench.stop(worker)
    checkpoint.checkpoint(bench.queue, worthwhile=0)
    bench.queue.close()


def _told_as_damaged(bench: Bench) -> None:
    with pytest.raises(QueueCorrupt) as told:
        _read_all(bench.folder)
    assert "backups" in told.value.remedy


def _garble(path: Path, pages: Iterable[int]) -> None:
    with path.open("r+b") as file:
        for page in pages:
            file.seek(page * 4096)
            file.write(b"\xaa" * 4096)


def _read_all(folder: LabFolder) -> None:
    lab = Lab(folder.path, autostart=False)
    try:
        lab.jobs(limit=1000)
        lab.counts()
    finally:
        lab.close()


REMOVED = {
    "the log": ("-wal",), "the index": ("-shm",), "both": ("-wal", "-shm"), "the index first": ("-shm", "-wal"),
}


@pytest.mark.row(34)
@pytest.mark.parametrize("what", ["the log", "the index", "both"] + [
    pytest.param(what, marks=pytest.mark.soak) for what in ("the index first", "the log, moved away")])
def test_a_log_that_is_removed_under_a_worker_comes_back(bench: Bench, what: str) -> None:
    """What the worker holds of it goes back in its place: every job is there, what ended and what waited, also
    those that only the log knew; a kernel that asks meanwhile waits a moment, and nobody sees an error."""
    _some_jobs(bench, 6)
    worker = bench.worker()
    gate = bench.path("gate")
    cell = f"import os, time\nwhile not os.path.exists({str(gate)!r}): time.sleep(.01)\n'after'"
    busy = bench.enqueue(cell, count=2)
    eventually(lambda: all(bench.job(job).state is State.RUNNING for job in busy), within=20)
    fresh = bench.enqueue("'in the log'", count=3, run_at=now() + 1_500_000)      # not moved into the database
    bench.queue.close()
    for end in REMOVED.get(what, ()):
        bench.folder.queue_db.with_name(f"queue.db{end}").unlink()
    if what == "the log, moved away":
        bench.folder.queue_db.with_name("queue.db-wal").rename(bench.path("moved"))
    later = bench.enqueue("'later'", count=2)
    eventually(lambda: "has put it back" in bench.log(), within=20, say=f"a word about it\n{bench.log()}")
    gate.touch()
    completed(bench, dict.fromkeys(busy, "after") | dict.fromkeys(fresh, "in the log")
              | dict.fromkeys(later, "later"))
    assert worker.poll() is None, bench.log()
    assert read.counts(bench.queue) == {State.COMPLETED: 13}
    bench.stop(worker)
    whole(bench)


@pytest.mark.row(34)
def test_a_log_that_is_cut_under_a_worker_is_told(bench: Bench) -> None:
    """What was only in it is lost, and that is said, whoever asks; the files stay for whoever mends them."""
    _some_jobs(bench, 6)
    worker = bench.worker()
    bench.enqueue("'in the log'", count=300, run_at=now() + 10**9)
    bench.queue.close()
    os.truncate(bench.folder.queue_db.with_name("queue.db-wal"), 0)
    eventually(lambda: worker.poll() is not None, within=20, say=f"the end of it\n{bench.log()}")
    assert "lost its log" in bench.log()
    with pytest.raises(QueueCorrupt, match="damaged"):
        bench.enqueue("1")


@pytest.mark.row(34)
def test_a_database_removed_under_a_worker_is_kept_as_a_copy(bench: Bench) -> None:
    """The worker stops, and what it still had open is one of the lab's copies: restore puts it back, with all
    that was acknowledged."""
    worker = bench.worker()
    [done] = bench.enqueue("'done'")
    bench.ended(done)
    waiting = bench.enqueue("'waited'", count=3, run_at=now() + 1_500_000)
    bench.queue.close()
    for end in ("", "-wal", "-shm"):
        bench.folder.queue_db.with_name(f"queue.db{end}").unlink()
    assert eventually(worker.poll, within=20, say=f"its end\n{bench.log()}") == REPLACED
    with pytest.raises(QueueCorrupt, match="is gone"):
        bench.enqueue("1")
    assert "tether-lab restore" in bench.log()
    assert restore(bench.folder.path).jobs == 4
    bench.worker()
    completed(bench, {done: "done", **dict.fromkeys(waiting, "waited")})


@pytest.mark.row(37)
def test_a_reader_that_never_ends_stops_nobody(bench: Bench) -> None:
    """The log grows while a picture is held, and jobs go on; afterwards the log is small again."""
    worker = bench.worker()
    [first] = bench.enqueue("1")
    bench.ended(first)
    reader = sqlite3.connect(f"file:{bench.folder.queue_db}?mode=ro", uri=True)
    reader.execute("BEGIN")
    count = reader.execute("SELECT count(*) FROM job").fetchone()[0]
    cell = "print('x' * 900_000)\n'end'"
    jobs = bench.enqueue(cell, count=8)
    for job in jobs:
        assert bench.ended(job).state is State.COMPLETED
    assert reader.execute("SELECT count(*) FROM job").fetchone()[0] == count
    assert checkpoint.log_size(bench.queue) > 4_000_000
    reader.close()
    bench.stop(worker, signal.SIGTERM)
    checkpoint.checkpoint(bench.queue, worthwhile=0)
    read.counts(bench.queue)
    bench.queue.close()                    # the last one out ends the log
    assert checkpoint.log_size(bench.queue) < 4_000_000
    whole(bench)
