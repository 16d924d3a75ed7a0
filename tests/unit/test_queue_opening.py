"""What a database may be: ours, whole, of a schema we know; everything else is refused untouched."""

from __future__ import annotations

import gc
import hashlib
import shutil
import sqlite3
from pathlib import Path

import pytest
import queues

from tether_lab.errors import (
    ForeignDatabase,
    QueueCorrupt,
    QueueError,
    QueueReadOnly,
    SchemaMismatch,
    StorageFull,
)
from tether_lab.job_queue import connection as connecting, failures, migrate, read
from tether_lab.job_queue.queue import Queue
from tether_lab.settings import LabFolder


@pytest.fixture
def lab(tmp_path: Path) -> LabFolder:
    queue = queues.opened(tmp_path)
    queues.put(queue, queues.registered(queue), 3)
    queue.close()
    return queues.folder(tmp_path)


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_opening_again_finds_the_same_queue(lab: LabFolder) -> None:
    """The uuid stands inside and beside; jobs are there."""
    first, second = Queue.open(lab), Queue.open(lab, role="reader")
    assert first.uuid == second.uuid == (lab.path / "queue.uuid").read_text().strip()
    assert len(read.jobs(second)) == 3
    first.close()
    second.close()


def test_a_queue_that_nobody_has_any_more_is_closed(lab: LabFolder) -> None:
    """In a cycle, too, where its connection may be found first (Python 3.13 warns then), and each time that it
    was opened; its log is left to the last that closes, so it is gone."""
    for times in range(1, 4):
        queue = Queue.open(lab)
        for _ in range(times):
            queue.close()
            assert len(read.jobs(queue)) == 3
        connection = queue._connection
        assert connection is not None
        connection_and_queue: list[object] = [connection, queue]
        connection_and_queue.append(connection_and_queue)
        queue.cycle = connection_and_queue  # type: ignore[attr-defined]
        del queue, connection_and_queue
        gc.collect()
        with pytest.raises(sqlite3.ProgrammingError, match="closed"):
            connection.execute("SELECT 1")
        del connection
        assert not (lab.path / "queue.db-wal").exists()


def test_a_reader_cannot_write(lab: LabFolder) -> None:
    """Role reader opens read-only: SQLite itself refuses."""
    queue = Queue.open(lab, role="reader")
    with pytest.raises(QueueReadOnly), queue.write() as connection:
        connection.execute("DELETE FROM job")
    queue.close()


def test_every_connection_is_set_up_alike(lab: LabFolder) -> None:
    """The log, no automatic checkpoints on an exposed SQLite, foreign keys, an untrusted schema."""
    queue = Queue.open(lab)
    with queue.read() as connection:
        found = {name: connection.execute(f"PRAGMA {name}").fetchone()[0] for name in (
            "journal_mode", "wal_autocheckpoint", "foreign_keys", "trusted_schema", "busy_timeout",
            "cell_size_check", "auto_vacuum", "secure_delete")}
    assert found == {"journal_mode": "wal", "wal_autocheckpoint": 0 if connecting.exposed() else 1000,
                     "foreign_keys": 1, "trusted_schema": 0, "busy_timeout": 0, "cell_size_check": 1,
                     "auto_vacuum": 2, "secure_delete": 1}
    queue.close()


def test_what_is_acknowledged_is_synced_in_full(tmp_path: Path) -> None:
    """FULL for what must survive a power cut, NORMAL for the rest and for durability="process"."""
    levels = {}
    for durability in ("power", "process"):
        place = tmp_path / durability
        place.mkdir(mode=0o700)
        queue = queues.opened(place, durability=durability)
        for power in (True, False):
            with queue.write(power) as connection:
                levels[durability, power] = connection.execute("PRAGMA synchronous").fetchone()[0]
        queue.close()
    assert levels == {("power", True): 2, ("power", False): 1, ("process", True): 1, ("process", False): 1}


@pytest.mark.parametrize(("version", "is_exposed"), [
    ((3, 40, 1), True), ((3, 44, 5), True), ((3, 44, 6), False), ((3, 45, 0), True), ((3, 50, 6), True),
    ((3, 50, 7), False), ((3, 51, 2), True), ((3, 51, 3), False), ((3, 53, 1), False),
])
def test_the_exposed_versions_are_known(version: tuple[int, ...], is_exposed: bool) -> None:
    """Those before 3.51.3 without the two back-ports."""
    assert connecting.exposed(version) is is_exposed


def test_an_old_sqlite_is_refused_with_a_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    """STRICT and RETURNING need 3.37."""
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 34, 1))
    with pytest.raises(QueueError, match=r"3\.37") as raised:
        connecting.check_version()
    assert "uv" in raised.value.remedy


@pytest.mark.row(45)
def test_a_foreign_database_is_refused_untouched(tmp_path: Path) -> None:
    """Not even its journal mode changes."""
    lab = queues.folder(tmp_path)
    lab.path.mkdir(mode=0o700)
    other = sqlite3.connect(lab.queue_db)
    other.execute("CREATE TABLE theirs (x)")
    other.commit()
    other.close()
    lab.queue_db.chmod(0o600)
    before = digest(lab.queue_db)
    with pytest.raises(ForeignDatabase, match="no Tether Lab queue"):
        Queue.open(lab)
    assert digest(lab.queue_db) == before


@pytest.mark.row(45)
def test_a_newer_schema_is_refused_unless_it_lets_us_write(lab: LabFolder) -> None:
    """meta.min_writer says from which version on a queue may be written."""
    other = sqlite3.connect(lab.queue_db)
    other.execute(f"PRAGMA user_version={migrate.latest() + 1}")
    other.commit()
    Queue.open(lab).close()
    other.execute("UPDATE meta SET value = ? WHERE key = 'min_writer'", (str(migrate.latest() + 1),))
    other.commit()
    other.close()
    with pytest.raises(SchemaMismatch) as raised:
        Queue.open(lab)
    assert "pip install -U" in raised.value.remedy


@pytest.mark.row(34)
@pytest.mark.parametrize("content", [b"this is no database, and long enough for a header" * 100,
                                     b"SQLite format 3\0" + b"\xff" * 5000])
def test_garbage_is_refused_untouched(lab: LabFolder, content: bytes) -> None:
    """QueueCorrupt; the file stays as it is, for whoever can mend it."""
    lab.queue_db.write_bytes(content)
    with pytest.raises(QueueCorrupt) as raised:
        Queue.open(lab)
    assert "backups" in raised.value.remedy
    assert lab.queue_db.read_bytes() == content


@pytest.mark.row(34)
def test_a_damaged_page_is_told_as_such(lab: LabFolder) -> None:
    """SQLITE_CORRUPT while reading becomes QueueCorrupt."""
    queue = Queue.open(lab)
    queues.put(queue, queues.registered(queue), 2000)
    queue.close()
    with lab.queue_db.open("r+b") as file:
        pages = lab.queue_db.stat().st_size // 4096
        for page in range(pages // 2, pages):
            file.seek(page * 4096)
            file.write(b"\xaa" * 4096)
    queue = Queue.open(lab)
    with pytest.raises(QueueCorrupt):
        read.jobs(queue, limit=100_000)
    queue.close()


@pytest.mark.row(34)
@pytest.mark.parametrize("how", ["truncated", "removed"])
def test_an_empty_queue_where_one_was_is_refused(lab: LabFolder, how: str) -> None:
    """Never a new, empty queue in silence; the remedy says how to mean it."""
    if how == "truncated":
        lab.queue_db.write_bytes(b"")
    else:
        lab.queue_db.unlink()
    with pytest.raises(QueueCorrupt, match="had a queue") as raised:
        Queue.open(lab)
    assert "queue.uuid" in raised.value.remedy
    assert not lab.queue_db.exists() or not lab.queue_db.stat().st_size
    (lab.path / "queue.uuid").unlink()
    fresh = Queue.open(lab)
    assert read.jobs(fresh) == []
    fresh.close()


def test_another_labs_database_is_refused(lab: LabFolder, tmp_path: Path) -> None:
    """A copied queue.db is another database: signatures are bound to the uuid."""
    place = tmp_path / "second"
    place.mkdir(mode=0o700)
    queues.opened(place).close()
    shutil.copy(place / "lab" / "queue.db", lab.queue_db)
    lab.queue_db.chmod(0o600)
    with pytest.raises(ForeignDatabase, match="another lab"):
        Queue.open(lab)


@pytest.mark.row(34)
def test_a_database_that_is_replaced_under_an_open_queue_is_noticed(lab: LabFolder, tmp_path: Path) -> None:
    """The next use says so instead of writing into a file that nobody reads."""
    queue = Queue.open(lab)
    assert len(read.jobs(queue)) == 3
    lab.queue_db.rename(tmp_path / "old.db")
    with pytest.raises(QueueCorrupt, match="is gone"):
        read.jobs(queue)
    (tmp_path / "old.db").rename(lab.queue_db)
    assert len(read.jobs(queue)) == 3
    queue.close()


@pytest.mark.row(45)
def test_an_older_schema_is_backed_up_and_migrated(
    lab: LabFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A complete private copy first, then every statement in one transaction."""
    extended = tmp_path / "migrations"
    shutil.copytree(migrate.FOLDER, extended)
    (extended / "0002_more.sql").write_text(
        "-- one\nALTER TABLE job ADD COLUMN more TEXT;\nCREATE TABLE extra (\n  x TEXT -- a; b\n) STRICT;\n")
    monkeypatch.setattr(migrate, "FOLDER", extended)
    migrate.scripts.cache_clear()
    try:
        queue = Queue.open(lab)
        with queue.read() as connection:
            assert connection.execute("PRAGMA user_version").fetchone() == (2,)
            assert connection.execute("SELECT more FROM job").fetchall() == [(None,)] * 3
            assert connection.execute("SELECT count(*) FROM extra").fetchone() == (0,)
        queue.close()
        (backup,) = (lab.path / "backups").iterdir()
        assert backup.stat().st_mode & 0o777 == 0o600
        copy = sqlite3.connect(backup)
        assert copy.execute("PRAGMA user_version").fetchone() == (1,)
        assert copy.execute("SELECT count(*) FROM job").fetchone() == (3,)
        copy.close()
    finally:
        migrate.scripts.cache_clear()


@pytest.mark.row(45)
def test_a_migration_that_fails_changes_nothing(
    lab: LabFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One transaction: the first statement is undone when the second fails."""
    extended = tmp_path / "migrations"
    shutil.copytree(migrate.FOLDER, extended)
    (extended / "0002_bad.sql").write_text(
        "CREATE TABLE extra (x TEXT) STRICT;\nINSERT INTO nothing VALUES (1);\n")
    with monkeypatch.context() as patched:
        patched.setattr(migrate, "FOLDER", extended)
        migrate.scripts.cache_clear()
        with pytest.raises(sqlite3.OperationalError):
            Queue.open(lab)
    migrate.scripts.cache_clear()
    queue = Queue.open(lab)
    with queue.read() as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (1,)
        assert connection.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'extra'").fetchone() == (0,)
    queue.close()


@pytest.mark.row(31)
def test_a_full_disk_is_told_and_nothing_is_half_written(lab: LabFolder) -> None:
    """StorageFull; the transaction is gone, reading goes on, and so does writing once there is space."""
    queue = Queue.open(lab, role="supervisor")
    handler = queues.registered(queue)
    with queue.read() as connection:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count={pages + 2}")
    with pytest.raises(StorageFull):
        queues.put(queue, handler, 2000)
    assert len(read.jobs(queue, limit=5000)) == 3
    with queue.read() as connection:
        connection.execute("PRAGMA max_page_count=1000000")
    assert len(queues.put(queue, handler, 2000)) == 2000
    queue.close()


def test_a_bug_of_ours_stays_sqlites_error(lab: LabFolder) -> None:
    """Wrong SQL is no circumstance; the transaction is rolled back all the same."""
    queue = Queue.open(lab)
    with pytest.raises(sqlite3.OperationalError, match="no such table"), queue.write() as connection:
        connection.execute("DELETE FROM job").connection.execute("SELECT * FROM nowhere")
    assert len(read.jobs(queue)) == 3
    assert failures.told(sqlite3.ProgrammingError("x"), lab.queue_db) is None
    queue.close()


def test_a_write_inside_a_write_is_a_bug(lab: LabFolder) -> None:
    """It would commit the outer one; a read inside sees what was written so far."""
    queue = Queue.open(lab)
    with queue.write() as connection:
        connection.execute("DELETE FROM job")
        assert read.jobs(queue) == []
        with pytest.raises(AssertionError, match="inside a write"), queue.write():
            pass
    assert read.jobs(queue) == []
    queue.close()
