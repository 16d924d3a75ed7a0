"""What a job left behind in a process that is to run the next one.

Nothing is repaired: a process with traces is thrown away. Native threads (BLAS) are no trace.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]
import os
import signal
import sys
import threading
import time
from dataclasses import dataclass, replace

from . import kinship
from .limits import peak, resident

GROWTH = 64 * 1024 * 1024
LOOK_EVERY = 0.001
"""Seconds of jobs after which memory is looked at again: in less nothing grows by GROWTH."""
HARMLESS = frozenset({
    b"KMP_DUPLICATE_LIB_OK", b"KMP_INIT_AT_FORK",                # sklearn
    b"CUDA_MODULE_LOADING",                                     # torch
    b"TF2_BEHAVIOR", b"TPU_ML_PLATFORM", b"TPU_ML_PLATFORM_VERSION",     # tensorflow
})
"""Variables that libraries set while they are imported: the next job, which may import them too, finds them
as it would have set them."""
_WATCHED_SIGNALS = tuple(map(int, (
    signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2, signal.SIGALRM, signal.SIGCHLD,
    signal.SIGHUP, signal.SIGPIPE)))


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a job may not change for the next one."""

    cwd: str
    environ: dict[bytes, bytes]
    path: tuple[str, ...]
    handlers: tuple[object, ...]
    umask: int
    recursion_limit: int
    streams: tuple[int, int]

    @classmethod
    def now(cls) -> Surroundings:
        try:
            cwd = os.getcwd()  # noqa: PTH109  compared as text
        except OSError:
            cwd = ""
        umask = os.umask(0o077)
        os.umask(umask)
        # The C function: signal.getsignal would build enums, eight times a job.
        handlers = tuple(map(_signal.getsignal, _WATCHED_SIGNALS))
        environ: dict[bytes, bytes] = os.environ._data  # type: ignore[attr-defined]  # noqa: SLF001  copied whole
        return cls(cwd, environ.copy(), tuple(sys.path), handlers, umask,
                   sys.getrecursionlimit(), (id(sys.stdout), id(sys.stderr)))

    def stand(self) -> bool:
        """Whether all of it is as it was: what is asked after each job, so nothing is copied for it."""
        try:
            if os.getcwd() != self.cwd:  # noqa: PTH109  as above
                return False
        except OSError:
            return False
        umask = os.umask(self.umask)
        if umask != self.umask:
            os.umask(umask)
            return False
        return (os.environ._data == self.environ  # type: ignore[attr-defined]  # noqa: SLF001  as above
                and (*sys.path,) == self.path
                and (*map(_signal.getsignal, _WATCHED_SIGNALS),) == self.handlers
                and sys.getrecursionlimit() == self.recursion_limit
                and (id(sys.stdout), id(sys.stderr)) == self.streams)


class Traces:
    """Compares the process after each job with what it was before."""

    def __init__(self) -> None:
        self._threads = set(threading.enumerate())
        self._before = Surroundings.now()
        self._resident: int | None = None
        self._looked_at, self._modules = 0.0, 0

    def begin(self) -> None:
        """A job's captures are in place (they may set cwd, environment, path): compare with that."""
        self._before = Surroundings.now()

    def found(self, ours: frozenset[int]) -> tuple[str, ...]:
        """The names of what the job left or changed."""
        names = [] if self._before.stand() else self._changed(Surroundings.now())
        threads = threading.enumerate()
        if len(threads) > 1 and any(t not in self._threads and t.ident not in ours for t in threads):
            names.append("threads")
        if kinship.has_children():
            names.append("children")
        if self._has_grown():
            names.append("memory")
        return tuple(names)

    def _changed(self, after: Surroundings) -> list[str]:
        """Which surroundings differ. What imports are known to set belongs to them from now on."""
        known = self._before.environ
        fresh = {name: value for name, value in after.environ.items() if name in HARMLESS and name not in known}
        self._before = before = replace(self._before, environ=known | fresh) if fresh else self._before
        return [name for name in ("cwd", "environ", "path", "handlers", "umask", "recursion_limit", "streams")
                if getattr(after, name) != getattr(before, name)]

    def _has_grown(self) -> bool:
        """Whether more memory stayed than before, and no library that was imported meanwhile explains it."""
        now = time.monotonic()
        if self._resident is None or self._modules < len(sys.modules):
            self._resident, self._modules, self._looked_at = resident(), len(sys.modules), now
            return False
        if now - self._looked_at < LOOK_EVERY:
            return False
        self._looked_at = now
        # To ask for the peak costs a fifth, and the present is no higher.
        return peak() - self._resident > GROWTH and resident() - self._resident > GROWTH
