"""inotify descriptors for watchers, kept for the next one.

Closing such a descriptor waits 10 to 20 ms for the kernel, which was most of the time that the result
of a short job took. What is let go here stops watching at once, and stays open for whoever waits next.
After a fork the child shares its parent's descriptors: it closes them (theirs stay open) and makes its own.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
from functools import cache
from pathlib import Path
from typing import Any

KEPT = 4
_ATTRIB = 0x4
_watching: dict[int, tuple[int, int]] = {}     # descriptor: (pid of its owner, number of its watch)
_spare: list[tuple[int, int]] = []             # (pid of its owner, descriptor)


@cache
def _libc() -> Any:
    return ctypes.CDLL(None, use_errno=True)


def watch(folder: Path) -> int:
    """A descriptor that tells when the times of files in the folder are set; -1 where there is none
    (or no more of them)."""
    if not sys.platform.startswith("linux"):
        return -1
    descriptor = _unused()
    if descriptor < 0:
        return -1
    number = int(_libc().inotify_add_watch(descriptor, os.fsencode(folder), _ATTRIB))
    if number < 0:
        os.close(descriptor)
        return -1
    _watching[descriptor] = os.getpid(), number
    return descriptor


def release(descriptor: int) -> None:
    """Stop watching."""
    owner, number = _watching.pop(descriptor, (0, 0))
    if owner != os.getpid() or len(_spare) >= KEPT:
        os.close(descriptor)
        return
    _libc().inotify_rm_watch(descriptor, number)
    with contextlib.suppress(BlockingIOError):
        while os.read(descriptor, 65536):      # what it was told until now
            pass
    _spare.append((owner, descriptor))


def _unused() -> int:
    while _spare:
        owner, descriptor = _spare.pop()
        if owner == os.getpid():
            return descriptor
        os.close(descriptor)
    return int(_libc().inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK))
