"""A migration that is killed at any statement has happened whole, or not at all."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
from pathlib import Path
from typing import Any

import pytest
import queues

from tether_lab.job_queue import backup, enqueue, migrate, read
from tether_lab.job_queue.queue import Queue
from tether_lab.settings import LabFolder, Settings

SETTINGS = Settings(durability="process")
MORE = ("-- two\nALTER TABLE job ADD COLUMN more TEXT;\nCREATE TABLE extra (x TEXT) STRICT;\n"
        "INSERT INTO extra VALUES ('a');\nUPDATE job SET more = 'b';\nCREATE INDEX job_more ON job (more);\n")


class Counted:
    """A connection in which this process dies before its nth statement."""

    def __init__(self, connection: sqlite3.Connection, dies_at: int) -> None:
        self._connection, self._left = connection, dies_at

    def execute(self, *given: Any) -> Any:
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return self._connection.execute(*given)


def opened_by_somebody_who_dies(folder: LabFolder, at: int) -> bool:
    """Whether he got through: there were fewer statements."""
    child = os.fork()
    if child == 0:
        real = migrate.migrate
        migrate.migrate = lambda one, version: real(Counted(one, at), version)    # type: ignore[arg-type]
        try:
            Queue.open(folder, settings=SETTINGS).close()
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return not os.WIFSIGNALED(status)


@pytest.mark.row(45)
def test_a_new_queue_is_made_whole_whenever_its_maker_dies(tmp_path: Path) -> None:
    """At each statement of the schema; the next one makes it."""
    tmp_path.chmod(0o700)
    for at in range(1, 400):
        folder = LabFolder(tmp_path / f"lab{at}")
        done = opened_by_somebody_who_dies(folder, at)
        queue = Queue.open(folder, settings=SETTINGS)
        assert backup.check(queue.path) == (queue.uuid, 0)
        queue.close()
        shutil.rmtree(folder.path)
        if done:
            break
    assert at > 50, "every statement was tried"


@pytest.mark.row(45)
def test_an_upgrade_is_whole_or_has_not_happened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs stay; the copy that was made before is there; the next opening finishes it."""
    queue = queues.opened(tmp_path)
    handler = queues.registered(queue)
    ids = enqueue.enqueue(queue, [queues.new_job(handler) for _ in range(3)])
    queue.close()
    original = queue.folder.path
    extended = tmp_path / "migrations"
    shutil.copytree(migrate.FOLDER, extended)
    (extended / "0002_more.sql").write_text(MORE)
    monkeypatch.setattr(migrate, "FOLDER", extended)
    migrate.scripts.cache_clear()
    try:
        for at in range(1, 30):
            folder = LabFolder(tmp_path / f"upgrade{at}")
            shutil.copytree(original, folder.path)
            done = opened_by_somebody_who_dies(folder, at)
            raw = sqlite3.connect(f"file:{folder.queue_db}?mode=ro", uri=True)
            version = raw.execute("PRAGMA user_version").fetchone()[0]
            there = raw.execute("SELECT count(*) FROM sqlite_schema "
                                "WHERE name IN ('extra', 'job_more')").fetchone()[0]
            raw.close()
            assert (version, there) == ((2, 2) if done else (1, 0))
            after = Queue.open(folder, settings=SETTINGS)
            assert [row.id for row in read.jobs(after, order="oldest")] == ids
            assert list((folder.path / "backups").glob("queue-*.db"))
            after.close()
            if done:
                break
        assert at > 6
    finally:
        migrate.scripts.cache_clear()


def test_a_marked_queue_is_read_and_not_written(tmp_path: Path) -> None:
    """Whatever marked it: nobody writes on top of damage, what can be read is shown."""
    from tether_lab.errors import QueueCorrupt

    queue = queues.opened(tmp_path)
    handler = queues.registered(queue)
    (job,) = enqueue.enqueue(queue, [queues.new_job(handler)])
    queue.close()
    backup.quarantine(queue.folder.path, "page 7 is no page")
    again = queues.opened(tmp_path)
    assert read.get(again, job).id == job
    with pytest.raises(QueueCorrupt, match="page 7 is no page") as raised:
        enqueue.enqueue(again, [queues.new_job(handler)])
    assert "tether-lab restore" in raised.value.remedy
    again.close()
