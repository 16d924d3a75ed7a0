"""Work that user code started and did not wait for.

A script's process ends when its threads and child processes have ended; so does a job, or their work
would be lost without a word. Daemons, and programs started with subprocess, are not waited for.
"""

from __future__ import annotations

import sys
import threading
from typing import Any

_EXECUTORS = ("concurrent.futures.thread", "concurrent.futures.process")


def wait_for_work(ours: frozenset[int]) -> None:
    """Wait for executors, threads and multiprocessing's processes, as Python's own exit does."""
    for name in _EXECUTORS:
        module: Any = sys.modules.get(name)
        if module is not None and (module._threads_queues if "thread" in name  # noqa: SLF001
                                   else module._threads_wakeups):  # noqa: SLF001
            module._python_exit()  # noqa: SLF001  what threading calls at the interpreter's exit
    for thread in threading.enumerate():
        if not thread.daemon and thread is not threading.current_thread() and thread.ident not in ours:
            thread.join()
    processes: Any = sys.modules.get("multiprocessing.process")
    if processes is not None:
        for process in processes.active_children():
            if not process.daemon:
                process.join()
