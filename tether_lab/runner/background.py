"""Work that user code started and did not wait for.

A script's process ends when its threads and child processes have ended; so does a job, or their work
would be lost without a word. Daemons, and programs started with subprocess, are not waited for.
The steps and their order are those of Python's own exit.
"""

from __future__ import annotations

import sys
import threading
from typing import Any


def wait_for_threads(ours: frozenset[int]) -> None:
    """Let executors (of the library, of loky) finish what they were given, then join threads."""
    for finish in reversed(getattr(threading, "_threading_atexits", ())):
        finish()
    for thread in threading.enumerate():
        if not thread.daemon and thread is not threading.current_thread() and thread.ident not in ours:
            thread.join()


def wait_for_processes() -> None:
    """End what serves other processes (managers), then join those of multiprocessing."""
    util: Any = sys.modules.get("multiprocessing.util")
    processes: Any = sys.modules.get("multiprocessing.process")
    if util is None or processes is None:
        return
    util._run_finalizers(0)  # noqa: SLF001  the first step of multiprocessing's own exit
    for process in processes.active_children():
        if not process.daemon:
            process.join()
