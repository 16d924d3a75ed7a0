"""Who holds the write lock: read from the kernel's table of locks, where there is one."""

from __future__ import annotations

import os
from pathlib import Path

WRITE_BYTE = 120
"""The byte of the -shm file that SQLite locks while a transaction writes (its file format)."""

LOCKS = Path("/proc/locks")


def holder(database: Path, locks: Path = LOCKS) -> int | None:
    """The pid of the process that holds the write lock; None if nobody can be named.

    Never opens the database or its companions: closing them again would drop our own locks.
    """
    try:
        shm = Path(f"{database}-shm").stat()
        lines = locks.read_text().splitlines()
    except OSError:
        return None
    place = f"{os.major(shm.st_dev):02x}:{os.minor(shm.st_dev):02x}:{shm.st_ino}"
    for line in lines:
        fields = line.split()
        if len(fields) < 8 or "->" in fields or fields[3] != "WRITE" or fields[5] != place:
            continue
        end = WRITE_BYTE if fields[7] == "EOF" else int(fields[7])
        if int(fields[6]) <= WRITE_BYTE <= end and int(fields[4]) > 0:
            return int(fields[4])
    return None


def named(database: Path) -> str:
    """"process 4711 (python worker.py)", or "another process"."""
    pid = holder(database)
    if pid is None:
        return "another process"
    if pid == os.getpid():
        return f"this process ({pid}), in another thread or lab object"
    return f"process {pid}{_command(pid)}"


def _command(pid: int) -> str:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return ""
    return f" ({words[:120]})" if words else ""
