"""Fault matrix, rows 31, 32 and 34 once more, for what lies beside the queue: ``ctx.db`` damaged, emptied,
removed, read-only, full; files of captures removed or not writable. What a job is told names the remedy, the
doctor names it, and jobs that do not use it do not notice."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import ordinary_user
import pytest
from eventually import eventually
from labs import working_lab

from tether_lab import BadRequest, Lab
from tether_lab.errors import QueueCorrupt
from tether_lab.job_queue import backup
from tether_lab.runner import database
from tether_lab.worker import copies
from tether_lab.worker.service import DAMAGED


@pytest.fixture
def lab() -> Iterator[Lab]:
    yield from working_lab(runners=2)


def put(ctx: Any, n: int) -> int:
    """A row; how many there are."""
    with ctx.db:
        ctx.db.execute("CREATE TABLE IF NOT EXISTS t (n, text)")
        ctx.db.execute("INSERT INTO t VALUES (?, ?)", (n, "x" * 20_000))
    return int(ctx.db.execute("SELECT count(*) FROM t").fetchone()[0])


def count(ctx: Any) -> int:
    """Reads only."""
    return int(ctx.db.execute("SELECT count(*) FROM t").fetchone()[0])


def filled(lab: Lab) -> Path:
    """A database of twenty rows, copied once; nobody has it open."""
    for handler in (put, count):
        lab.register(handler, retries=0)
    for n in range(20):
        lab.enqueue("put", {"n": n}, isolation="warm")
    eventually(lambda: all(job.status == "completed" for job in lab.jobs()), within=60)
    backup.daily(lab.folder.path, lab.folder.data_db)
    return lab.folder.data_db


def told(lab: Lab) -> str:
    """What a job that uses it is told; one that does not completes."""
    lab.register(lambda: "beside", "beside")
    job = lab.enqueue("count").wait(40)
    assert job.status == "failed"
    assert lab.enqueue("beside").result(40) == "beside"
    return str(job.error)


def doctor(lab: Lab) -> tuple[str, str, str]:
    (check,) = [check for check in lab.doctor() if check.name == "data"]
    return check.state, check.text, check.remedy


def garbled(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(b"\xa5" * 4096)


def damaged_within(path: Path) -> None:
    with path.open("r+b") as file:
        for page in range(2, 40):
            file.seek(page * 4096)
            file.write(b"\xa5" * 4096)


def half(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def emptied(path: Path) -> None:
    os.truncate(path, 0)


@pytest.mark.row(34)
@pytest.mark.timeout(120)
@pytest.mark.parametrize("what", [garbled, damaged_within, half, emptied, Path.unlink])
def test_a_damaged_or_missing_ctx_db_is_told_and_a_copy_put_back(lab: Lab, what: Any) -> None:
    """Never an empty one in silence; the job's error and the doctor say what to do; it does it."""
    path = filled(lab)
    assert doctor(lab)[0] == "good"
    what(path)
    before = path.read_bytes() if path.exists() else b""
    error = told(lab)
    assert "tether-lab restore --data" in error
    assert (path.read_bytes() if path.exists() else b"") == before, "untouched"
    state, text, remedy = doctor(lab)
    assert state == "bad"
    assert "data.db" in text
    assert "restore --data" in remedy
    with pytest.raises(BadRequest, match="worker stop"):
        Lab.restore(None, data=True)
    lab.worker.stop(now=True, timeout=20)
    done = Lab.restore(None, data=True)
    assert done.aside or not before
    assert lab.enqueue("count").result(40) == 20
    assert doctor(lab)[0] == "good"


def test_beginning_anew_is_a_decision(lab: Lab) -> None:
    """Without the mark beside it, an empty one is made."""
    path = filled(lab)
    lab.worker.stop(now=True, timeout=20)
    path.unlink()
    assert "rm " in told(lab)
    lab.worker.stop(now=True, timeout=20)
    shutil.rmtree(path.with_name("backups"))
    with pytest.raises(QueueCorrupt, match=r"no good copy of data\.db") as refused:
        Lab.restore(None, data=True)
    assert "restore --data FOLDER" in refused.value.remedy
    assert f"rm {path.with_name(database.MADE)}" in refused.value.remedy
    path.with_name(database.MADE).unlink()
    assert lab.enqueue("put", {"n": 1}).result(40) == 1


@pytest.mark.row(34)
def test_what_is_written_into_a_removed_ctx_db_is_told(tmp_path: Path) -> None:
    """A commit into a file that has no name any more is no commit."""
    path = tmp_path / "data.db"
    connection = database.open_database(path)
    with connection:
        connection.execute("CREATE TABLE t (n)")
    path.unlink()
    with pytest.raises(QueueCorrupt, match="removed or exchanged while"), connection:
        connection.execute("INSERT INTO t VALUES (1)")
    database.close_database(connection)


@pytest.mark.row(32)
@pytest.mark.parametrize("what", ["file", "folder", "both"])
def test_a_ctx_db_that_cannot_be_written_is_read(lab: Lab, what: str) -> None:
    """And a write says which file and how to look."""
    path = filled(lab)
    lab.worker.stop(now=True, timeout=20)
    lab.close()
    if what != "folder":
        path.chmod(0o400)
    if what != "file":
        path.parent.chmod(0o500)
    try:
        found = ordinary_user.run(
            "import json, sqlite3\nfrom pathlib import Path\nfrom tether_lab.runner import database\n"
            f"path = Path({str(path)!r})\nconnection = database.open_database(path)\n"
            "count = connection.execute('SELECT count(*) FROM t').fetchone()[0]\n"
            "try: connection.execute('INSERT INTO t VALUES (1, 2)'); said = ''\n"
            "except sqlite3.Error as error: said = database.hint(error, path)\n"
            "print(json.dumps([count, said]))")
    finally:
        path.parent.chmod(0o700)
        path.chmod(0o600)
    assert found.returncode == 0, found.stderr
    count, said = json.loads(found.stdout)
    assert count == 20
    assert what == "folder" or "ls -la" in said


@pytest.mark.row(31)
def test_a_full_disk_is_told_and_leaves_what_was_committed(lab: Lab) -> None:
    """The job's error says so; what was committed is there; with room it goes on."""
    filled(lab)

    def full(ctx: Any) -> None:
        import resource
        _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, hard))
        try:
            with ctx.db:
                ctx.db.execute("INSERT INTO t VALUES (1, ?)", ("x" * 3_000_000,))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))

    lab.register(full, retries=0)
    job = lab.enqueue("full").wait(40)
    assert job.status == "failed"
    assert "Free some space" in str(job.error)
    assert lab.enqueue("count").result(40) == 20
    assert lab.enqueue("put", {"n": 1}).result(40) == 21


def test_the_log_of_ctx_db_stays_small_beside_other_connections(tmp_path: Path) -> None:
    """Many commits of two jobs at once, one of them never closed: some MB, never all that was written."""
    path = tmp_path / "data.db"
    one, two = database.open_database(path), database.open_database(path)
    with one:
        one.execute("CREATE TABLE t (n, text)")
    largest = 0
    for n in range(300):
        for connection in (one, two):
            with connection:
                connection.execute("INSERT INTO t VALUES (?, ?)", (n, "x" * 100_000))
        largest = max(largest, Path(f"{path}-wal").stat().st_size)
    assert largest < 3 * database.WORTHWHILE, "of 60 MB"
    assert one.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert two.execute("SELECT count(*) FROM t").fetchone() == (600,)
    database.close_database(one)
    database.close_database(two)


@pytest.mark.row(46)
def test_ctx_db_has_the_journal_of_its_queue(lab: Lab) -> None:
    """A lab that was allowed on a network file system has no write-ahead log anywhere."""
    lab.register(lambda ctx: ctx.db.execute("PRAGMA journal_mode").fetchone()[0], "journal")
    assert lab.enqueue("journal").result(40) == "wal"
    lab.worker.stop(now=True, timeout=20)
    lab.close()
    with closing(sqlite3.connect(lab.folder.queue_db)) as connection:
        assert connection.execute("PRAGMA journal_mode = TRUNCATE").fetchone() == ("truncate",)
    other = database.open_database(lab.folder.data_db)
    assert other.execute("PRAGMA journal_mode").fetchone() == ("truncate",)
    assert other.execute("PRAGMA synchronous").fetchone() == (3,)
    with other:
        other.execute("CREATE TABLE t (n)")
    database.close_database(other)


@pytest.mark.row(34)
def test_the_worker_copies_what_is_whole_only(lab: Lab) -> None:
    """The queue and ``ctx.db``, each day; a damaged one is told, and the good copies stay."""
    path = filled(lab)
    for copy in backup.copies(lab.folder.path, "data.db"):
        copy.unlink()
    said: list[str] = []
    keeper = copies.Copies(lab.queue, said.append)
    for _ in range(2):                         # the second time nothing is old, or has changed
        keeper.due()
        _over()
    assert [line.partition(" was copied")[0] for line in said] == ["queue.db", "data.db"]
    (copy,) = backup.copies(lab.folder.path, "data.db")
    os.utime(copy, (1, 1))
    damaged_within(path)
    keeper.due()
    _over()
    assert "data.db is damaged" in said[-1]
    assert backup.copies(lab.folder.path, "data.db") == [copy]
    keeper.tell()                              # the queue is whole: the worker goes on


def _over() -> None:
    eventually(lambda: not [thread for thread in threading.enumerate() if thread.name == "tether-lab-copies"],
               within=30)


@pytest.mark.row(34)
def test_a_worker_that_follows_a_dead_one_looks_through_the_queue(lab: Lab) -> None:
    """Damage that no statement meets is found all the same: it is marked, and the worker ends."""
    lab.register(lambda payload: 1, "work")
    for n in range(300):
        lab.enqueue("work", {"n": n, "text": "x" * 1000}, delay="1h")
    pid = lab.worker.start().pid
    os.kill(int(pid or 0), signal.SIGKILL)
    eventually(lambda: not lab.worker.is_running(), within=20)
    lab.close()
    with closing(sqlite3.connect(lab.folder.queue_db, isolation_level=None)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        (page,) = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'fire'").fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    with lab.folder.queue_db.open("r+b") as file:          # nobody reads it: there are no schedules
        file.seek((page - 1) * size)
        file.write(b"\xa5" * size)
    ran = subprocess.run([sys.executable, "-m", "tether_lab.worker", "--lab", str(lab.folder.path)],
                         capture_output=True, text=True, timeout=50, check=False)
    assert ran.returncode == DAMAGED, ran.stderr
    assert "damaged" in backup.quarantined(lab.folder.path)
    assert Lab(autostart=False).counts(), "it is read as far as it goes"


@pytest.mark.row(34)
def test_removed_captures_are_named_and_hinder_nothing_else(lab: Lab) -> None:
    """The doctor counts them, the job that needs one says which, others complete; the cell again mends it."""
    words = [f"word {n} {n * n}" for n in range(20_000)]

    def large() -> int:
        return len(words)

    for handler, name in ((large, "large"), (lambda: 1, "small")):
        lab.register(handler, name, retries=0)
    assert lab.enqueue("large").result(40) == 20_000
    assert {check.name: check.state for check in lab.doctor()}["captures"] == "good"
    shutil.rmtree(lab.folder.blobs)
    (check,) = [check for check in lab.doctor() if check.name == "captures"]
    assert (check.state, check.text.split()[0]) == ("warning", "1")
    assert "run the cell again" in str(lab.enqueue("large").wait(40).error)
    assert lab.enqueue("small").result(40) == 1
    lab.register(large, retries=0)
    assert lab.enqueue("large").result(40) == 20_000
    assert {check.name: check.state for check in lab.doctor()}["captures"] == "good"


@pytest.mark.row(32)
def test_captures_that_cannot_be_written_are_refused(lab: Lab) -> None:
    """With the folder's name; small ones, which are rows, go on."""
    lab.register(lambda: 1, "small")
    lab.folder.blobs.chmod(0o500)
    try:
        found = ordinary_user.run(
            "from tether_lab import Lab\nfrom tether_lab.errors import QueueReadOnly\n"
            "lab = Lab(autostart=False)\nbig = list(range(200_000))\n"
            "try: lab.register(lambda: len(big), 'large')\n"
            "except QueueReadOnly as error: print(error)\n"
            "print(lab.enqueue('small').status)")
    finally:
        lab.folder.blobs.chmod(0o700)
    assert found.returncode == 0, found.stderr
    assert f"ls -la {lab.folder.blobs}" in found.stdout
    assert "pending" in found.stdout


@pytest.mark.row(34)
def test_what_only_the_users_code_knows_is_no_damage(lab: Lab, tmp_path: Path) -> None:
    """Rows beside their CHECK, json_valid in one, a function in a column, a collation, numbers of rows: copied
    as they are, and called no damage by anybody."""
    lab.register(put, retries=0)
    assert lab.enqueue("put", {"n": 1}).result(40) == 1
    with closing(sqlite3.connect(lab.folder.data_db)) as connection:
        connection.create_function("mine", 1, lambda n: n + 1, deterministic=True)
        connection.create_collation("backwards", lambda a, b: (a < b) - (a > b))
        with connection:
            connection.execute("CREATE TABLE u (n CHECK (n > 0), j CHECK (json_valid(j)), "
                               "m AS (mine(n)) NOT NULL, w TEXT COLLATE backwards)")
            connection.execute("CREATE INDEX by_m ON u (mine(n), w)")
            connection.executemany("INSERT INTO u (n, j, w) VALUES (?, '{}', ?)",
                                   [(1, "a"), (2, "b"), (3, "c")])
            connection.execute("DELETE FROM u WHERE n = 2")
            connection.execute("PRAGMA ignore_check_constraints = ON")
            connection.execute("UPDATE u SET n = -1 WHERE n = 3")
    said: list[str] = []
    keeper = copies.Copies(lab.queue, said.append)
    keeper.due()
    _over()
    keeper.tell()
    assert not [line for line in said if "damaged" in line]
    assert doctor(lab)[0] in ("good", "warning")
    (daily,) = backup.copies(lab.folder.path, "data.db")
    tmp_path.chmod(0o700)
    whole = lab.backup(tmp_path / "copy")
    for path in (daily, whole / "data.db"):
        assert not list(path.parent.glob(f"{path.name}-*"))
        with closing(sqlite3.connect(path)) as connection:
            connection.create_function("mine", 1, lambda n: n + 1, deterministic=True)
            connection.create_collation("backwards", lambda a, b: (a < b) - (a > b))
            assert connection.execute("SELECT rowid, n, m FROM u ORDER BY rowid").fetchall() == [
                (1, 1, 2), (3, -1, 0)]
    lab.worker.stop(now=True, timeout=20)
    assert Lab.restore(None, data=True).source == daily
