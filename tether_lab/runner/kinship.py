"""Parents, children and orphans: what a process asks of the kernel about its relatives.

Linux has words for all of it (prctl, /proc); elsewhere the calls that have no counterpart do
nothing, and the control socket's end of file is what tells a process that it is alone.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import time
from collections import defaultdict
from pathlib import Path
from resource import struct_rusage

_SET_PDEATHSIG, _SET_NAME, _SET_CHILD_SUBREAPER = 1, 15, 36
_PROC = Path("/proc")
_libc = ctypes.CDLL(None, use_errno=True)
_call_prctl = _libc.prctl if sys.platform == "linux" else None     # looked up before the fork
_fflush = _libc.fflush
_CHOSEN_FIRST = b"500"
_WRITING = os.O_WRONLY | os.O_CLOEXEC


def _prctl(option: int, value: int | bytes) -> None:
    if _call_prctl is not None:
        _call_prctl(option, value, 0, 0, 0)


def die_with_parent(parent: int | None = None) -> None:
    """Be killed when the parent dies. ``parent``: who it should be; if it is another process by now,
    the end is at once."""
    _prctl(_SET_PDEATHSIG, signal.SIGKILL)
    if parent is not None and os.getppid() != parent:
        os._exit(1)


def adopt_orphans() -> None:
    """Become the parent of descendants whose own parent dies."""
    _prctl(_SET_CHILD_SUBREAPER, 1)


def show_as(name: str) -> None:
    """The name in ps and top, at most 15 characters."""
    _prctl(_SET_NAME, name.encode()[:15])


def go_first_when_memory_is_short() -> None:
    """Let the kernel choose this process before the notebook when memory runs out."""
    try:                                   # plain calls: a Path would have dozens of pages copied
        descriptor = os.open("/proc/self/oom_score_adj", _WRITING)
        try:
            os.write(descriptor, _CHOSEN_FIRST)
        finally:
            os.close(descriptor)
    except OSError:
        return


def flush_c_streams() -> None:
    """Write out what C code printed with stdio, which ``os._exit`` would drop."""
    _fflush(None)


def has_children() -> bool:
    """Whether this process has any child, also one that ended and was not waited for."""
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def children(pid: int, *, threads: bool = True) -> list[int]:
    """The children of a process, ended ones included. ``threads``: those that its other threads started, too
    (orphans that it adopts are its main thread's)."""
    try:
        found = _children_of_task(pid, pid)
    except OSError:                        # no Linux, or one built without it
        return _families().get(pid, [])
    if not threads:
        return found
    for task in os.listdir(f"/proc/{pid}/task"):  # noqa: PTH208  a Path for each would cost ten times as much
        if int(task) != pid:
            with contextlib.suppress(OSError):
                found += _children_of_task(pid, int(task))
    return found


def _children_of_task(pid: int, task: int) -> list[int]:
    descriptor = os.open(f"/proc/{pid}/task/{task}/children", os.O_RDONLY | os.O_CLOEXEC)
    try:                                   # plain calls: a zygote asks after every job
        found = b""
        while data := os.read(descriptor, 1 << 16):
            found += data
        return list(map(int, found.split()))
    finally:
        os.close(descriptor)


def spent(*usages: struct_rusage) -> tuple[float, int]:
    """Of what the kernel counted: CPU seconds (user and system) in all, and the most resident bytes of any."""
    unit = 1 if sys.platform == "darwin" else 1024
    return (sum(usage.ru_utime + usage.ru_stime for usage in usages),
            max(usage.ru_maxrss for usage in usages) * unit)


def descendants(pid: int) -> list[int]:
    """Children, their children and so on; parents before children."""
    families, found = _families(), [pid]
    for parent in found:
        found += families.get(parent, ())
    return found[1:]


def kill_descendants(within: float = 1.0) -> None:
    """SIGKILL everything below this process and reap it; what appears meanwhile as well.

    Needs ``adopt_orphans``: then a descendant cannot get away by losing its parents.
    """
    deadline = time.monotonic() + within
    while has_children() and time.monotonic() < deadline:
        for pid in descendants(os.getpid()):
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        _reap()
        if has_children():
            time.sleep(0.002)


def _reap() -> None:
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _families() -> dict[int, list[int]]:
    """Children by parent, of all processes that can be seen."""
    if not _PROC.is_dir():
        return _families_of_psutil()
    found: dict[int, list[int]] = defaultdict(list)
    for name in os.listdir(_PROC):  # noqa: PTH208  thousands of Path objects would cost more
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", "rb") as file:  # noqa: PTH123  as above
                    fields = file.read().rpartition(b")")[2].split()
            except OSError:
                continue
            found[int(fields[1])].append(int(name))
    return found


def _families_of_psutil() -> dict[int, list[int]]:
    import psutil

    found: dict[int, list[int]] = defaultdict(list)
    for process in psutil.process_iter(["ppid"]):
        found[process.info["ppid"]].append(process.pid)
    return found
