"""Closes what rests: connections of kernels after a second, and all of them before a fork.

One daemon thread for the process, asleep without a timeout while nothing is open. A connection that
is not there cannot be hurt: neither by user code that opens and closes the file (which drops SQLite's
locks in the whole process) nor by a child that inherits it.
"""

from __future__ import annotations

import atexit
import os
import threading
import time
import weakref
from typing import Protocol

REST = 1.0
"""Seconds without use after which a kernel's connection is closed."""


class Resting(Protocol):
    """What can be closed: a Queue, a watcher's connection."""

    def close_if_idle_since(self, moment: float) -> bool:
        """Close unless used after ``moment`` (monotonic s) or in use now. True: nothing is open."""

    def before_fork(self) -> None:
        """Close what is open, keep others out until ``after_fork``."""

    def after_fork(self, *, child: bool) -> None:
        """Let others in again; in the child, whatever could not be closed may not be used."""


_known: weakref.WeakSet[Resting] = weakref.WeakSet()
_opened = threading.Event()
_lock = threading.Lock()
_thread: threading.Thread | None = None
_forking: list[Resting] = []


def know(thing: Resting) -> None:
    """Close it before forks from now on."""
    with _lock:
        _known.add(thing)


def opened() -> None:
    """Something is open now: see to it that it will be closed."""
    global _thread
    if _thread is None:
        with _lock:
            if _thread is None:
                _thread = threading.Thread(target=_watch, name="tether-lab-rest", daemon=True)
                _thread.start()
    _opened.set()


def _watch() -> None:
    while True:
        _opened.wait()
        _opened.clear()
        while _close_what_rests():
            time.sleep(REST / 4)


def _close_what_rests() -> bool:
    """Whether something is still open, in use or used a moment ago."""
    closed = [thing.close_if_idle_since(time.monotonic() - REST) for thing in _all()]
    return not all(closed)


def _all() -> list[Resting]:
    with _lock:
        return list(_known)


def _before_fork() -> None:
    _forking[:] = _all()
    for thing in _forking:
        thing.before_fork()
    _lock.acquire()


def _after_fork_in_parent() -> None:
    _lock.release()
    for thing in reversed(_forking):
        thing.after_fork(child=False)
    _forking.clear()


def _after_fork_in_child() -> None:
    global _thread, _lock, _opened
    _thread, _lock, _opened = None, threading.Lock(), threading.Event()
    for thing in reversed(_forking):
        thing.after_fork(child=True)
    _forking.clear()


def _at_exit() -> None:
    for thing in _all():
        thing.close_if_idle_since(float("inf"))


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork_in_parent,
                        after_in_child=_after_fork_in_child)
atexit.register(_at_exit)
