"""Backups, restores, archives, the doctor: a lab outlives its disk's mistakes and moves between machines."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from eventually import eventually
from labs import working_lab

from tether_lab import BadRequest, BadSignature, Lab
from tether_lab.errors import QueueCorrupt
from tether_lab.job_queue import backup
from tether_lab.settings import config_folder

BIG = bytes(range(256)) * 1000


@pytest.fixture
def lab() -> Iterator[Lab]:
    yield from working_lab(runners=1)


def tether_lab(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "tether_lab", *words], capture_output=True, text=True,
                          timeout=60, check=False)


def work(ctx: Any, word: str) -> dict[str, Any]:
    """Leaves something everywhere."""
    print(f"printed {word}")
    ctx.db.execute("CREATE TABLE IF NOT EXISTS seen (word TEXT)")
    ctx.db.execute("INSERT INTO seen VALUES (?)", (word,))
    ctx.db.commit()
    if word == "bad":
        raise ValueError("bad word")
    return {"word": word, "big": BIG}


def damage(database: Path) -> None:
    """Overwrite pages in the middle, as a bad disk does."""
    with database.open("r+b") as file:
        for page in range(1, 40):
            file.seek(page * 4096)
            file.write(b"\xa5" * 4096)


def test_a_backup_taken_while_jobs_run_is_a_whole_lab(lab: Lab, tmp_path: Path) -> None:
    """Queue, ctx.db, blobs and settings; private; opened by itself it has everything."""
    lab.register(work, retries=0)
    done, bad = lab.enqueue("work", {"word": "good"}), lab.enqueue("work", {"word": "bad"})
    done.result(60)
    bad.wait(60)
    tmp_path.chmod(0o700)
    path = lab.backup(tmp_path / "copy")
    with pytest.raises(BadRequest, match="there already"):
        lab.backup(path)
    assert all(not found.stat().st_mode & 0o077 for found in [path, *path.rglob("*")])
    with closing(sqlite3.connect(path / "data.db")) as connection, connection:
        assert connection.execute("SELECT word FROM seen").fetchall() == [("good",), ("bad",)]
    copy = Lab(path, autostart=False)
    assert not copy.restricted
    assert copy.get(done.id).result()["big"] == BIG
    assert copy.get(bad.id).error == "ValueError: bad word"
    assert copy.get(done.id).outputs == done.outputs


def test_a_damaged_queue_is_marked_and_a_copy_put_back(lab: Lab, tmp_path: Path) -> None:
    """The worker marks it, nobody writes to it, the files are kept; restore brings the newest good copy."""
    lab.register(work, retries=0)
    done = lab.enqueue("work", {"word": "good"})
    done.result(60)
    for n in range(400):
        lab.enqueue("work", {"word": "x" * 500 + str(n)}, delay="1h")
    backup.daily(lab.folder.path, lab.folder.queue_db)
    lab.worker.stop(now=True, timeout=10)
    lab.close()
    damage(lab.folder.queue_db)
    ran = subprocess.run([sys.executable, "-m", "tether_lab.worker", "--lab", str(lab.folder.path)],
                         capture_output=True, text=True, timeout=30, check=False)
    assert ran.returncode != 0
    with pytest.raises(QueueCorrupt), Lab(autostart=False) as refused:
        refused.enqueue("work", {"word": "y"})
    checks = {check["name"]: check for check in json.loads(tether_lab("doctor", "--json").stdout)["checks"]}
    assert checks["integrity"]["state"] == "bad"
    assert "restore" in checks["integrity"]["remedy"]
    assert tether_lab("restore", "--list").stdout.strip().endswith("good")
    restored = tether_lab("restore")
    assert restored.returncode == 0, restored.stderr
    assert list(lab.folder.path.glob("queue.db.corrupt-*"))
    again = Lab(runners=1)
    assert again.get(done.id).result()["word"] == "good"
    assert len(again.jobs(limit=None)) == 401
    assert again.enqueue("work", {"word": "new"}).result(60)["word"] == "new"
    again.worker.stop(now=True, timeout=10)
    again.close()


def test_restore_refuses_what_is_no_copy_of_this_lab(lab: Lab, tmp_path: Path) -> None:
    """While a worker runs; another lab's queue; a damaged copy; a file that is none."""
    lab.register(work)
    path = lab.backup(tmp_path / "copy")
    lab.worker.start()
    with pytest.raises(BadRequest, match="worker stop"):
        Lab.restore(None, path)
    lab.worker.stop(now=True, timeout=10)
    lab.close()
    other = Lab("other", autostart=False).backup(tmp_path / "other")
    with pytest.raises(BadRequest, match="another lab"):
        Lab.restore(None, other)
    (tmp_path / "junk.db").write_bytes(b"no database" * 1000)
    with pytest.raises(QueueCorrupt):
        Lab.restore(None, tmp_path / "junk.db")
    with pytest.raises(BadRequest, match="no copy"):
        Lab.restore(None, tmp_path / "missing")
    with pytest.raises(QueueCorrupt, match=r"no good copy of queue\.db"):
        Lab.restore(None)
    assert "There are none yet" in tether_lab("restore", "--list").stdout
    assert Lab.restore(None, path).jobs == 0


def test_the_worker_copies_its_queue_by_itself(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once a day; here asked for at once. The newest three stay."""
    for _ in range(5):
        backup.daily(lab.folder.path, lab.folder.queue_db)
    assert len(backup.copies(lab.folder.path)) == backup.KEPT
    assert backup.check(backup.copies(lab.folder.path)[0]) == (lab.uuid, 0)


def test_an_archive_moves_jobs_between_labs(lab: Lab, tmp_path: Path) -> None:
    """Same user: verified and signed anew, history and results too, encrypted ones as well; twice adds none."""
    lab.register(work, "open", retries=0)
    lab.register(work, "closed", retries=0, encrypt=True)
    jobs = [lab.enqueue("open", {"word": "one"}), lab.enqueue("open", {"word": "bad"}),
            lab.enqueue("closed", {"word": "two"}), lab.enqueue("open", {"word": "three"}, secret="word")]
    for job in jobs:
        job.wait(60)
    lab.enqueue("open", {"word": "unfinished"}, delay="1h")
    moved = lab.export(tmp_path / "jobs.zip")
    assert (moved.handlers, moved.jobs) == (2, 4)
    assert moved.path.stat().st_mode & 0o777 == 0o600
    with Lab("other", runners=1) as other:
        other.enqueue_command(["true"], key="first").wait(60)
        taken = other.import_(moved.path)
        assert (taken.handlers, taken.jobs, taken.foreign, taken.refused) == (2, 4, 0, 0)
        assert other.import_(moved.path).known == 4
        found = {job.row.uuid: job for job in other.jobs()}
        for job, word in zip(jobs, ("one", None, "two", "three"), strict=True):
            copy = found[job.row.uuid]
            assert copy.id != job.id
            assert [a.outcome for a in copy.attempts] == [a.outcome for a in job.attempts]
            assert copy.outputs == job.outputs
            assert copy.payload == job.payload
            if word is not None:
                assert copy.result() == {"word": word, "big": BIG}
        assert found[jobs[1].row.uuid].error == "ValueError: bad word"
        assert found[jobs[2].row.uuid].retry().result(60)["word"] == "two"
        assert other.enqueue("closed", {"word": "new"}).result(60)["word"] == "new"
        other.worker.stop(now=True, timeout=10)


def test_a_foreign_archive_is_shown_and_not_run(lab: Lab, tmp_path: Path) -> None:
    """Until it is trusted; a changed one is refused, with the reason."""
    lab.register(work, retries=0)
    job = lab.enqueue("work", {"word": "theirs"})
    job.result(60)
    lab.export(tmp_path / "jobs.zip")
    lab.worker.stop(now=True, timeout=10)
    lab.close()
    keys = config_folder() / "keys"
    keys.rename(keys.with_name("theirs"))
    mine = Lab("mine", runners=1)
    taken = mine.import_(tmp_path / "jobs.zip")
    assert (taken.jobs, taken.foreign) == (1, 2)
    copy = mine.jobs()[0]
    assert copy.status == "completed"
    with pytest.raises(BadSignature, match="not in"):
        copy.result()
    fresh = mine.enqueue("work", {"word": "x"})
    assert "not in" in str(fresh.wait(60).error)
    assert not fresh.outputs
    mine.trust(accept=True)
    assert copy.result()["word"] == "theirs"
    assert fresh.retry().result(60)["word"] == "x"
    mine.worker.stop(now=True, timeout=10)
    (tmp_path / "not.zip").write_bytes(b"PK no")
    with pytest.raises(BadRequest, match="no archive"):
        mine.import_(tmp_path / "not.zip")


def test_a_changed_archive_is_refused(lab: Lab, tmp_path: Path) -> None:
    """One word of a payload, one byte of a blob: what our key signed does not verify any more."""
    import zipfile

    lab.register(work, retries=0)
    lab.enqueue("work", {"word": "good"}).result(60)
    lab.export(tmp_path / "jobs.zip")
    with zipfile.ZipFile(tmp_path / "jobs.zip") as old, zipfile.ZipFile(tmp_path / "new.zip", "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "jobs.jsonl":
                content = content.replace(b'{\\"word\\":\\"good\\"}', b'{\\"word\\":\\"evil\\"}')
            new.writestr(name, content)
    with Lab("other", autostart=False) as other:
        taken = other.import_(tmp_path / "new.zip")
        assert (taken.jobs, taken.refused) == (0, 1)
        assert "were changed" in taken.reason


def test_the_doctor_says_what_is_wrong_everywhere(lab: Lab) -> None:
    """From Python as a table, in a terminal as text and JSON; all is well with a healthy lab."""
    lab.register(work)
    found = lab.doctor()
    assert found.ok
    assert {"SQLite", "file system", "permissions", "keys", "integrity", "backups", "owner", "write lock",
            "orphans", "clock", "worker", "disk"} <= {check.name for check in found}
    assert "keys" in repr(found)
    assert "All is well." in tether_lab("doctor").stdout
    lab.folder.path.chmod(0o750)
    said = tether_lab("doctor")
    assert said.returncode == 1
    assert f"chmod 700 {lab.folder.path}" in said.stdout
    lab.folder.path.chmod(0o700)
    eventually(lambda: "All is well." in tether_lab("doctor").stdout)
