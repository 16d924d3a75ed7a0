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
    for process in psutil.process_iter(["cmdline"]):
        if any(str(folder) in part for part in process.info["cmdline"] or ()) and process.pid != os.getpid():
            try:
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


def _lives(process: psutil.Process) -> bool:
    """A zombie has ended; whoever adopted it will collect it some time."""
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
