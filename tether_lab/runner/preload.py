"""Importing libraries ahead of the jobs that use them, in a process that forks.

Library code only. A module that starts Python threads would leave their locks held in every child,
so whatever is not known to be harmless is imported in a throw-away child first.
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
import threading
import time
from collections import deque
from contextlib import suppress
from pathlib import Path

from . import wire

HARMLESS = frozenset({
    "altair", "bs4", "lxml", "matplotlib", "networkx", "numpy", "openpyxl", "pandas", "PIL", "plotly",
    "polars", "pyarrow", "pydantic", "requests", "scipy", "seaborn", "sklearn", "sqlalchemy",
    "statsmodels", "sympy", "tqdm", "xarray", "yaml",
})
DENIED = frozenset({"tensorflow", "keras", "jax", "jaxlib", "grpc", "pyspark", "ray", "torch", "cupy",
                    "tether_lab.job_queue", "ipykernel", "ipywidgets"})
LONGEST_PROBE = 60.0
_FINE, _THREADS, _BROKEN = 42, 43, 44      # not 0: a module may end its process with that


class Preloader:
    """Imports what was asked for, one probe at a time; ``report`` when nothing is left to do."""

    def __init__(self) -> None:
        self._wanted: deque[str] = deque()
        self._loaded: list[str] = []
        self._refused: list[str] = []
        self._probing: tuple[int, str, float] | None = None
        self._asked = False

    @property
    def loaded(self) -> tuple[str, ...]:
        return tuple(self._loaded)

    @property
    def probes(self) -> set[int]:
        """Pids of throw-away children."""
        return {self._probing[0]} if self._probing else set()

    def want(self, modules: tuple[str, ...]) -> None:
        self._wanted.extend(modules)
        self._asked = True

    def timeout(self) -> float | None:
        """Seconds after which ``step`` has something to do, None if only an event can change that."""
        if self._probing is not None:
            return max(0.0, self._probing[2] - time.monotonic())
        return 0.0 if self._asked else None

    def step(self) -> bool:
        """Import the next module, or start its probe. True: all that was asked for is settled."""
        if self._probing is not None:
            pid, _, deadline = self._probing
            if time.monotonic() > deadline:
                with suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
            return False
        if self._wanted:
            name = self._wanted.popleft()
            root = name.partition(".")[0]
            if name in sys.modules:
                self._loaded.append(name)
            elif name in DENIED or root in DENIED:
                self._refused.append(name)
            elif root in HARMLESS:
                self._import(name)
            else:
                self._probe(name)
        if self._wanted or self._probing is not None or not self._asked:
            return False
        self._asked = False
        return True

    def report(self) -> wire.Preloaded:
        return wire.Preloaded(tuple(self._loaded), tuple(self._refused))

    def probed(self, pid: int, code: int) -> None:
        """A child ended; if it was the probe, import for real what it could."""
        if self._probing is None or self._probing[0] != pid:
            return
        name = self._probing[1]
        self._probing = None
        if code == _FINE:
            self._import(name)
        else:
            self._refused.append(name)

    def _import(self, name: str) -> None:
        if try_import(name) == _FINE:
            self._loaded.append(name)
        else:
            self._refused.append(name)

    def _probe(self, name: str) -> None:
        pid = os.fork()
        if pid == 0:
            code = _BROKEN
            try:
                signal.set_wakeup_fd(-1)
                code = try_import(name)
            finally:
                os._exit(code)
        self._probing = (pid, name, time.monotonic() + LONGEST_PROBE)


def rehearse_captures() -> None:
    """Import what loading captures and storing results need, and store one value for nothing."""
    import cloudpickle  # noqa: F401  otherwise each job would import it

    from tether_lab.capture import Blobs, BlobStore, dump_result, hint, load_manifest, load_result

    dump_result((Blobs, hint, load_manifest, load_result), {}, BlobStore(Path(os.devnull)))


def can_import(name: str) -> bool:
    """Import a module now; whether it worked and started no threads."""
    return try_import(name) == _FINE


def try_import(name: str) -> int:
    """Import a module; _FINE, _THREADS if it started any, _BROKEN if it raised."""
    try:
        importlib.import_module(name)
    except BaseException:  # noqa: BLE001  library code: whatever an import raises
        return _BROKEN
    return _FINE if threading.active_count() == 1 else _THREADS
