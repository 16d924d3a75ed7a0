"""Limits that a job process sets for itself."""

from __future__ import annotations

import os
import resource
from contextlib import suppress

from .kinship import spent

SPARE = 2
"""The backstop lies at so many times the memory asked for. The supervisor measures what is really
resident, four times a second; the backstop catches what grows faster than that."""


class Memory:
    """The backstop of one process."""

    def __init__(self) -> None:
        self._before = resource.getrlimit(resource.RLIMIT_DATA)
        self._limited = False

    def limit(self, size: int | None) -> None:
        """Make allocations fail (MemoryError) far beyond ``size`` bytes on top of what is there now;
        None: as before."""
        if size is None and not self._limited:
            return
        soft, hard = self._before
        if size is not None:
            soft = _private_data() + SPARE * size
            soft = soft if hard == resource.RLIM_INFINITY else min(soft, hard)
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))
        self._limited = size is not None


def resident() -> int:
    """Resident bytes of this process; 0 where it cannot be told."""
    return _pages(1)


def peak() -> int:
    """The most bytes that were ever resident."""
    return spent(resource.getrusage(resource.RUSAGE_SELF))[1]


def _private_data() -> int:
    return _pages(5)


def _pages(column: int) -> int:
    try:
        descriptor = os.open("/proc/self/statm", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return 0
    try:
        return int(os.read(descriptor, 256).split()[column]) * resource.getpagesize()
    finally:
        os.close(descriptor)
