"""How the worker hears that there is something to do: a datagram, a beacon.

A datagram is a hint, never a message that matters: jobs are rows. Empty: look into the queue.
``stack ID TOKEN``: write the stack of that job to ``run/stack-TOKEN``. ``drain SECONDS``: stop, with
that much patience. The socket lies in a folder that only this user can enter, because its path must
be short (107 bytes); ``run/address`` says where. Standard library only: kernels send from here.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import socket
import stat
import sys
import tempfile
import time
from pathlib import Path

LONGEST_MESSAGE = 256
LOOK_AGAIN = 0.02
"""Seconds after which the address of a worker is looked for again that had none: it also sees the beacon."""


def address_of(lab: Path) -> Path:
    """Where the socket of the worker of this lab lies."""
    digest = hashlib.blake2b(os.fsencode(lab.resolve()), digest_size=8).hexdigest()
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    if runtime and len(runtime) < 60 and os.access(runtime, os.W_OK | os.X_OK):
        return Path(runtime) / f"tether-{digest}" / "w"
    return Path("/tmp") / f"tether-{os.getuid()}-{digest}" / "w"  # noqa: S108  owner and mode are checked


def send(run: Path, message: bytes = b"") -> bool:
    """Tell the worker. False: nobody listens. True says no more than that a socket took it."""
    return Sender(run).send(message)


class Sender:
    """For whoever tells the worker again and again: keeps a socket, and the address as long as it is heard
    there. Safe in threads."""

    def __init__(self, run: Path) -> None:
        self._file, self._address = str(run / "address"), ""
        self._missed_at = float("-inf")
        self._socket: socket.socket | None = None

    def send(self, message: bytes = b"") -> bool:
        """As ``send``."""
        return (bool(self._address) and self._sent(message)) or (self._looked_up() and self._sent(message))

    def _looked_up(self) -> bool:
        if time.monotonic() < self._missed_at + LOOK_AGAIN:
            return False
        try:
            with open(self._file, encoding="utf-8") as file:  # noqa: PTH123  each enqueue without a worker
                self._address = file.read().strip()
        except OSError:
            self._address = ""
        if not self._address:
            self._missed_at = time.monotonic()
        return bool(self._address)

    def _sent(self, message: bytes) -> bool:
        if self._socket is None:
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            self._socket.setblocking(False)
        try:
            self._socket.sendto(message, self._address)
        except BlockingIOError:
            return True            # unread hints are queued already: it will look
        except OSError:
            return False
        return True

    def __del__(self) -> None:
        if self._socket is not None:
            self._socket.close()


class WakeSocket:
    """The worker's end. Bind it only while holding the supervisor's lock: a stale path is unlinked."""

    def __init__(self, lab: Path, run: Path) -> None:
        self._path, self._address = address_of(lab), run / "address"
        _private(self._path.parent)
        with contextlib.suppress(FileNotFoundError):
            self._path.unlink()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.bind(str(self._path))
        _replace(self._address, str(self._path))

    def fileno(self) -> int:
        return self._socket.fileno()

    def read(self) -> list[bytes]:
        """The datagrams that came, oldest first."""
        found: list[bytes] = []
        while len(found) < 64:
            try:
                found.append(self._socket.recv(LONGEST_MESSAGE))
            except OSError:
                break
        return found

    def close(self) -> None:
        """Nobody is heard from here on: senders learn it at once."""
        for path in (self._address, self._path):
            with contextlib.suppress(OSError):
                path.unlink()
        self._socket.close()
        with contextlib.suppress(OSError):
            self._path.parent.rmdir()


def _private(folder: Path) -> None:
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise PermissionError(errno.EPERM, "somebody else's folder, or open to others", str(folder))


def _replace(path: Path, text: str) -> None:
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".address")
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    Path(temporary).replace(path)


class BeaconWatch:
    """Says (as a readable descriptor) that a kernel committed something: inotify, Linux only.

    The queue's clients set the time of a beacon after each commit; the worker's own commits light
    another one, so that it does not wake itself.
    """

    ATTRIB = 0x4

    def __init__(self, beacon: Path) -> None:
        import ctypes

        os.close(os.open(beacon, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
        libc = ctypes.CDLL(None, use_errno=True)
        self._descriptor = int(libc.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK))
        if self._descriptor < 0 or libc.inotify_add_watch(self._descriptor, os.fsencode(beacon),
                                                          self.ATTRIB) < 0:
            code = ctypes.get_errno()
            if self._descriptor >= 0:
                os.close(self._descriptor)
            raise OSError(code, os.strerror(code), str(beacon))

    @classmethod
    def open(cls, beacon: Path) -> BeaconWatch | None:
        """A watch, or None where there is no inotify, or no more of it: the poll each second remains."""
        if not sys.platform.startswith("linux"):
            return None
        try:
            return cls(beacon)
        except OSError:
            return None

    def fileno(self) -> int:
        return self._descriptor

    def drain(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while len(os.read(self._descriptor, 65536)) > 32768:     # mostly there is one word, and no more
                pass

    def close(self) -> None:
        os.close(self._descriptor)
