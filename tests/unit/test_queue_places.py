"""Where a queue may lie: not open to others, not on a network file system."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import queues

from tether_lab.errors import LoosePermissions, NetworkFileSystem, QueueError
from tether_lab.job_queue import clock, filesystem, holders, permissions, workers
from tether_lab.job_queue.queue import Queue
from tether_lab.settings import LabFolder, Settings

MOUNTS = """\
22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard
31 27 0:40 / {place} rw,relatime shared:5 - {kind} server:/export rw
"""


@pytest.fixture
def lab(tmp_path: Path) -> LabFolder:
    queues.opened(tmp_path).close()
    return queues.folder(tmp_path)


def test_a_new_lab_is_private(lab: LabFolder) -> None:
    """The folder 0700, every file 0600, the log and its index included."""
    queue = Queue.open(lab, role="supervisor")
    assert lab.path.stat().st_mode & 0o777 == 0o700
    modes = {path.name: path.stat().st_mode & 0o777 for path in lab.path.iterdir() if path.is_file()}
    assert {"queue.db", "queue.db-wal", "queue.db-shm", "queue.uuid"} <= set(modes)
    assert set(modes.values()) == {0o600}
    queue.close()


@pytest.mark.row(33)
@pytest.mark.parametrize(("name", "mode", "command"), [
    (".", 0o770, "chmod 700"), (".", 0o705, "chmod 700"), ("queue.db", 0o640, "chmod 600"),
    ("queue.db", 0o604, "chmod 600"), ("queue.uuid", 0o660, "chmod 600"),
])
def test_loose_folders_and_files_are_refused_with_the_command(
    lab: LabFolder, name: str, mode: int, command: str,
) -> None:
    """The message names the path and its mode, the remedy the chmod that repairs it."""
    target = lab.path / name
    target.chmod(mode)
    with pytest.raises(LoosePermissions, match=f"{mode:o}") as raised:
        Queue.open(lab)
    assert raised.value.remedy == f"{command} {target}"
    target.chmod(0o700 if name == "." else 0o600)
    Queue.open(lab).close()


@pytest.mark.row(33)
def test_a_loose_parent_is_refused_a_sticky_one_is_not(lab: LabFolder) -> None:
    """Who may write the folder above may put another lab in the place of this one."""
    parent = lab.path.parent
    parent.chmod(0o777)
    with pytest.raises(LoosePermissions) as raised:
        Queue.open(lab)
    assert raised.value.remedy == f"chmod go-w {parent}"
    parent.chmod(0o1777)
    Queue.open(lab).close()


@pytest.mark.row(33)
def test_a_linked_folder_is_refused(lab: LabFolder) -> None:
    """A link may be turned to another lab; the remedy names where it points now."""
    link = lab.path.parent / "link"
    link.symlink_to(lab.path)
    with pytest.raises(LoosePermissions, match="symbolic link") as raised:
        Queue.open(LabFolder(link))
    assert str(lab.path) in raised.value.remedy


@pytest.mark.row(33)
def test_a_linked_database_is_refused(lab: LabFolder) -> None:
    """Nor may the file be a link."""
    lab.queue_db.rename(lab.path.parent / "elsewhere.db")
    lab.queue_db.symlink_to(lab.path.parent / "elsewhere.db")
    with pytest.raises(LoosePermissions, match="no plain file"):
        Queue.open(lab)


@pytest.mark.row(33)
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_foreign_owner_is_refused(lab: LabFolder) -> None:
    """Another user's lab is not opened, whatever its mode."""
    os.chown(lab.queue_db, 12345, -1)
    with pytest.raises(LoosePermissions, match="another user"):
        permissions.check(lab.path)


@pytest.mark.row(46)
@pytest.mark.parametrize("kind", ["nfs", "nfs4", "cifs", "9p", "fuse.sshfs", "lustre", "virtiofs"])
def test_network_file_systems_are_refused_with_the_variable_to_set(tmp_path: Path, kind: str) -> None:
    """By the longest mount point; the remedy is a variable, the opt-in is another."""
    mounts = tmp_path / "mountinfo"
    mounts.write_text(MOUNTS.format(place=tmp_path, kind=kind))
    with pytest.raises(NetworkFileSystem, match=kind) as raised:
        filesystem.check(tmp_path / "lab", allow=False, mounts=mounts)
    assert "TETHER_LAB_HOME=" in raised.value.remedy
    assert filesystem.check(tmp_path / "lab", allow=True, mounts=mounts)


def test_local_file_systems_inside_and_beside_network_ones_are_fine(tmp_path: Path) -> None:
    """The innermost mount decides, the later one of two; names with spaces are read right."""
    mounts = tmp_path / "mountinfo"
    home = tmp_path / "a b"
    text = MOUNTS.format(place=str(tmp_path), kind="nfs4")
    mounts.write_text(text + f"40 31 0:41 / {tmp_path}/a\\040b rw - tmpfs tmpfs rw\n")
    assert not filesystem.check(home / "lab", allow=False, mounts=mounts)
    mounts.write_text(MOUNTS.format(place=f"{tmp_path}/other", kind="nfs"))
    assert not filesystem.check(home, allow=False, mounts=mounts)
    mounts.write_text(text + f"41 31 0:41 / {tmp_path} rw - xfs /dev/sdb rw\n")
    assert not filesystem.check(home, allow=False, mounts=mounts)
    assert filesystem.kind_of(home, tmp_path / "nothing") == ("", "")


@pytest.mark.row(46)
def test_nothing_is_made_on_a_refused_file_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Refused at the door: no folder, no file."""
    mounts = tmp_path / "mountinfo"
    mounts.write_text(MOUNTS.format(place=tmp_path, kind="nfs"))
    monkeypatch.setattr(filesystem.kind_of, "__defaults__", (mounts,))
    monkeypatch.setattr(filesystem.check, "__kwdefaults__", {"mounts": mounts})
    with pytest.raises(NetworkFileSystem):
        queues.opened(tmp_path)
    assert not (tmp_path / "lab").exists()


@pytest.mark.row(46)
def test_the_allowed_network_file_system_works_without_a_shared_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A rollback journal, every commit synced as hard as SQLite can; the verbs do not notice."""
    monkeypatch.setattr(filesystem, "check", lambda *_, **__: True)
    queue = queues.opened(tmp_path, allow_network_fs=True)
    with queue.read() as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("truncate",)
        assert connection.execute("PRAGMA synchronous").fetchone() == (3,)
    handler = queues.registered(queue)
    queues.put(queue, handler)
    assert len(queues.turn(queue).claimed) == 1
    workers.register(queue, id="theirs", pid=1, boot_id="b", host="another host", version="1", runners=1,
                     now=clock.utc() - 60 * queues.SECOND)
    queue.close()
    with pytest.raises(NetworkFileSystem, match="another host"):
        queues.opened(tmp_path, allow_network_fs=True)
    workers.mark(queue, "theirs", "stopped", clock.utc())
    queue.close()
    queues.opened(tmp_path, allow_network_fs=True).close()


def test_readers_make_nothing(tmp_path: Path) -> None:
    """A reader of a lab that is not there says so and leaves no trace."""
    with pytest.raises(QueueError, match="no lab"):
        Queue.open(queues.folder(tmp_path), role="reader", settings=Settings())
    assert not (tmp_path / "lab").exists()


def test_the_holder_of_the_write_lock_is_read_from_the_table_of_locks(lab: LabFolder, tmp_path: Path) -> None:
    """The byte that SQLite locks for writing, on the index of this log and no other."""
    queue = Queue.open(lab, role="supervisor")
    shm = Path(f"{lab.queue_db}-shm").stat()
    place = f"{os.major(shm.st_dev):02x}:{os.minor(shm.st_dev):02x}:{shm.st_ino}"
    locks = tmp_path / "locks"
    locks.write_text(f"1: POSIX  ADVISORY  READ 11 {place} 123 123\n"
                     f"2: POSIX  ADVISORY  WRITE 12 {place}1 120 120\n"
                     f"2: -> POSIX  ADVISORY  WRITE 13 {place} 120 120\n"
                     f"3: POSIX  ADVISORY  WRITE 4711 {place} 120 120\n")
    assert holders.holder(lab.queue_db, locks) == 4711
    locks.write_text(f"1: POSIX  ADVISORY  READ 11 {place} 123 123\n")
    assert holders.holder(lab.queue_db, locks) is None
    assert holders.holder(lab.queue_db, tmp_path / "none") is None
    queue.close()
