"""One worker per lab: a flock held for life, and who holds it.

The file is never unlinked (unlink and recreate race). The kernel frees the lock at the holder's
death, whatever kind of death: so whoever can take it knows that the last worker is gone. Standard
library only: kernels read it too.
"""

from __future__ import annotations

import fcntl
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Identity:
    """Who holds the lock. ``pid`` alone may be reused; with boot and start time it may not.
    ``ready``: the queue is open, what dead workers left is rescued, wakers are heard."""

    pid: int
    boot_id: str
    starttime: int
    version: str
    worker: str
    ready: bool = False

    @property
    def alive(self) -> bool:
        return self.boot_id == boot_id() and starttime(self.pid) == self.starttime


def boot_id() -> str:
    """This boot of this machine; empty where the kernel does not say."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def starttime(pid: int) -> int | None:
    """When the process started, in clock ticks since boot; None if there is none."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return None
    return int(stat[stat.rindex(b")") + 2:].split()[19])


def path_of(run: Path) -> Path:
    return run / "supervisor.lock"


class SupervisorLock:
    """The held lock."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @classmethod
    def take(cls, run: Path) -> SupervisorLock | None:
        """The lock, or None if somebody else has it."""
        descriptor = os.open(path_of(run), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        return cls(descriptor)

    def write(self, identity: Identity) -> None:
        """Say who holds it. One pwrite, padded, so that a reader never sees half of two texts."""
        text = json.dumps(asdict(identity)).ljust(512).encode()
        os.pwrite(self._descriptor, text, 0)
        os.ftruncate(self._descriptor, len(text))

    def release(self) -> None:
        os.close(self._descriptor)


def is_held(run: Path) -> bool:
    """Whether a worker holds the lock now (also one that is stopped)."""
    try:
        descriptor = os.open(path_of(run), os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def holder(run: Path) -> Identity | None:
    """Who holds the lock; None if nobody does, or if he has not said so yet."""
    if not is_held(run):
        return None
    return last(run)


def last(run: Path) -> Identity | None:
    """Who held the lock last."""
    try:
        return Identity(**json.loads(path_of(run).read_text()))
    except (OSError, ValueError, TypeError):
        return None
