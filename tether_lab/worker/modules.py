"""What installed packages contribute acts by itself: a child registers it when their entry points are not those
that were registered last.

The worker only looks at names and texts in the folders that Python imports from (2 ms for 200 packages, against
100 ms of ``importlib.metadata``); code of packages runs in the child alone, which ends when it is done.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from selectors import EVENT_READ, BaseSelector

from tether_lab.job_queue import contributed
from tether_lab.job_queue.queue import Queue

GROUP = "tether_lab.modules"
EVERY = 60.0
"""Seconds between looks: a package that is installed while the worker runs acts a moment later, too."""
LONGEST = 120.0
"""Seconds that the packages may take to register."""
TOLD = 2000
"""Characters of what the child has printed that are kept."""


def fingerprint(paths: Iterable[str]) -> str:
    """Of all entry points of the group that packages in these folders have; "" if there are none."""
    found = []
    for place in dict.fromkeys(paths):
        with suppress(OSError), os.scandir(place or ".") as entries:
            names = sorted(entry.name for entry in entries if entry.name.endswith((".dist-info", ".egg-info")))
            found += [line for name in names for line in _entry_points(Path(place or ".", name))]
    return hashlib.sha256("\n".join(found).encode()).hexdigest() if found else ""


def _entry_points(about: Path) -> list[str]:
    """Lines of the group, each with the package and version that the folder is named after."""
    try:
        text = (about / "entry_points.txt").read_text(errors="replace")
    except OSError:
        return []
    inside, found = False, []
    for line in map(str.strip, text.splitlines()) if GROUP in text else ():
        if line.startswith("["):
            inside = line == f"[{GROUP}]"
        elif inside and line and not line.startswith(("#", ";")):
            found.append(f"{about.name} {line}")
    return found


class Modules:
    """Looks whether something was installed, and has a child register it."""

    def __init__(self, queue: Queue, selector: BaseSelector, log: Callable[[str], None]) -> None:
        self._queue, self._selector, self._log = queue, selector, log
        self._child: subprocess.Popen[bytes] | None = None
        self._until = 0.0
        self._wanted = ""
        self._heard = b""
        self._folders: list[tuple[str, int]] | None = None

    @property
    def busy(self) -> bool:
        return self._child is not None

    @property
    def pids(self) -> set[int]:
        """The child, which is no runner."""
        return set() if self._child is None else {self._child.pid}

    def look(self) -> None:
        """Start the child if the entry points are others than those known; end one that takes too long. What
        raised is tried again by the next worker."""
        if self._child is not None:
            if time.monotonic() > self._until:
                self._end(f"they took longer than {LONGEST:.0f} s to register")
            return
        first, folders = self._folders is None, _folders()
        if folders == self._folders or self._queue.restricted:
            return
        self._folders = folders
        known, found = contributed.known(self._queue), fingerprint(sys.path)
        if found == known.fingerprint and not (first and known.failed):
            return
        if found:
            self._start(found)
        else:
            contributed.put(self._queue, "")

    def close(self) -> None:
        """End the child; the next worker starts another one."""
        if self._child is not None:
            self._forget(self._child)

    def _start(self, wanted: str) -> None:
        self._wanted, self._heard, self._until = wanted, b"", time.monotonic() + LONGEST
        self._child = subprocess.Popen(
            [sys.executable, "-P", "-m", "tether_lab.lab.contributing", str(self._queue.folder.path), wanted],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd="/",
            start_new_session=True)        # its stdin stays open: the end of it is how the child learns of ours
        assert self._child.stdout is not None
        os.set_blocking(self._child.stdout.fileno(), False)
        self._selector.register(self._child.stdout, EVENT_READ, lambda _: self._hear())

    def _hear(self) -> None:
        if self._child is None or self._child.stdout is None:
            return
        data = self._child.stdout.read(1 << 16)
        if data:
            self._heard = (self._heard + data)[-TOLD:]
        elif data == b"":
            self._end("the process that registers them ended before it was done")

    def _end(self, trouble: str) -> None:
        """Say what came of it; ``trouble``, if the child has not."""
        assert self._child is not None
        self._forget(self._child)
        known = contributed.known(self._queue)
        if known.fingerprint != self._wanted:
            said = self._heard.decode(errors="replace").strip()
            contributed.put(self._queue, self._wanted, trouble=f"{trouble}\n{said}".strip())
            known = contributed.known(self._queue)
        for module in known.modules:
            self._log(f"the module {module.name} of {module.package} {module.version} " + (
                f"could not be registered: {module.error}" if module.error else "is registered"))
        if known.trouble:
            self._log(f"installed modules: {known.trouble}")

    def _forget(self, child: subprocess.Popen[bytes]) -> None:
        self._child = None
        assert child.stdout is not None
        assert child.stdin is not None
        if child.stdout in self._selector.get_map():
            self._selector.unregister(child.stdout)
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, 9)            # with what a package may have started
        with suppress(subprocess.TimeoutExpired):
            child.wait(5)
        child.stdout.close()
        with suppress(BrokenPipeError):
            child.stdin.close()


def _folders() -> list[tuple[str, int]]:
    """Where Python imports from, and when each was changed last: what is installed or removed changes one."""
    found = []
    for place in dict.fromkeys(sys.path):
        with suppress(OSError):
            found.append((place, Path(place or ".").stat().st_mtime_ns))
    return found
