"""Whether SQLite's write-ahead log is safe where the lab lies.

The log needs memory shared by all processes, which network file systems do not have across hosts;
their homes have hung notebooks for minutes and corrupted databases in silence. The table of mounts is
asked, not ``statfs``, which lies on some of them.
"""

from __future__ import annotations

import re
import socket
import sqlite3
from pathlib import Path

from tether_lab.errors import NetworkFileSystem

from . import clock
from .statements import sql

MOUNTS = Path("/proc/self/mountinfo")

NETWORK = frozenset({
    "nfs", "nfs4", "cifs", "smbfs", "smb2", "smb3", "9p", "fuse.sshfs", "sshfs", "fuse.rclone", "fuse.s3fs",
    "fuse.gcsfuse", "fuse.glusterfs", "afs", "lustre", "gpfs", "beegfs", "glusterfs", "ceph", "fuse.ceph",
    "virtiofs", "drvfs", "vboxsf", "fuse.vmhgfs-fuse", "davfs", "fuse.davfs2", "ocfs2", "gfs2", "orangefs",
})
"""Types whose locks and shared memory do not reach, or cannot be trusted to reach, every writer."""

ALONE_AFTER = 120 * 1_000_000
"""Microseconds without a beat after which another host's worker counts as gone."""


def check(folder: Path, *, allow: bool, mounts: Path = MOUNTS) -> bool:
    """Whether the lab lies on a network file system that the user allowed; False: on a safe one.

    Raises NetworkFileSystem with what to set where it is not allowed.
    """
    kind, place = kind_of(folder, mounts)
    if kind not in NETWORK and not kind.startswith("nfs"):
        return False
    if allow:
        return True
    raise NetworkFileSystem(
        f"{folder} lies on a network file system ({kind}, mounted at {place})", where=str(folder),
        remedy="Put labs on a local disk: set TETHER_LAB_HOME=/a/local/folder. If one host alone uses this "
               "folder, TETHER_LAB_ALLOW_NETWORK_FS=1 opens it with slower, safer settings.")


def refuse_other_hosts(connection: sqlite3.Connection, database: Path) -> None:
    """On a network file system one host alone may work: locks do not reach the others."""
    elsewhere = connection.execute(sql("worker_elsewhere"), {
        "host": socket.gethostname(), "since": clock.utc() - ALONE_AFTER}).fetchone()
    if elsewhere is not None:
        raise NetworkFileSystem(
            f"a worker on {elsewhere[0]} uses {database}, which lies on a network file system",
            remedy="Stop it there and wait two minutes, or use a lab on a local disk.", where=str(database))


def kind_of(folder: Path, mounts: Path = MOUNTS) -> tuple[str, str]:
    """Type and mount point of the file system that holds the folder; ("", "") where nobody says."""
    try:
        lines = mounts.read_text("utf-8", "surrogateescape").splitlines()
    except OSError:
        return "", ""
    target = folder.resolve()
    best: tuple[int, str, str] = (-1, "", "")
    for line in lines:
        fields, _, rest = line.partition(" - ")
        if len(fields.split()) < 5 or not rest:
            continue
        place = Path(_plain(fields.split()[4]))
        # A later mount over the same place hides the earlier one, hence >=.
        if target.is_relative_to(place) and len(place.parts) >= best[0]:
            best = len(place.parts), rest.split()[0], str(place)
    return best[1], best[2]


def _plain(text: str) -> str:
    """Spaces and the like are written as octal escapes in the table of mounts."""
    return re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), text)
