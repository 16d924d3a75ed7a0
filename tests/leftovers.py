"""Ends what a test has started and left behind: workers are detached on purpose."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import psutil


def end_processes_of(folder: Path) -> None:
    """SIGKILL every process that was started for a lab below ``folder``, and what it started.

    Workers are detached on purpose, so they are found by their command line, not by parentage.
    """
    found: dict[int, psutil.Process] = {}
    for pid in _named_with(folder):
        try:
            process = psutil.Process(pid)
            found.update({p.pid: p for p in (process, *process.children(recursive=True))})
        except psutil.NoSuchProcess:
            continue
    for process in found.values():
        try:
            process.send_signal(signal.SIGKILL)
        except psutil.NoSuchProcess:
            continue
    deadline = time.monotonic() + 5
    while any(_lives(process) for process in found.values()) and time.monotonic() < deadline:
        time.sleep(0.01)


def _named_with(folder: Path) -> list[int]:
    """The ids of other processes whose command line holds ``folder``.

    After every test: read directly, a seventh of what psutil's objects of all processes cost.
    """
    mark, found = os.fsencode(folder), []
    for name in os.listdir("/proc"):
        if name.isdigit() and int(name) != os.getpid():
            try:
                with open(f"/proc/{name}/cmdline", "rb", buffering=0) as file:
                    line = file.read()
            except OSError:             # it has ended meanwhile
                continue
            if mark in line:
                found.append(int(name))
    return found


def _lives(process: psutil.Process) -> bool:
    """A zombie has ended; whoever adopted it will collect it some time."""
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
