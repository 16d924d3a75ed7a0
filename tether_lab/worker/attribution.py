"""Why a process ended, in words: exit code, signal, memory, a lost channel."""

from __future__ import annotations

import signal

from tether_lab.runner.wire import Exited

MEANINGS = {
    signal.SIGSEGV: "segmentation fault", signal.SIGABRT: "aborted", signal.SIGBUS: "bus error",
    signal.SIGFPE: "arithmetic error", signal.SIGILL: "illegal instruction", signal.SIGKILL: "killed",
    signal.SIGTERM: "terminated", signal.SIGXCPU: "CPU limit", signal.SIGPIPE: "broken pipe",
}

EXIT_CHANNEL_LOST = 74
"""How a job process ends that finds its control socket closed (``runner.channel``)."""


def gigabytes(size: int) -> str:
    """``1.4 GB``, ``350 MB``."""
    return f"{size / 1e9:.1f} GB" if size >= 995_000_000 else f"{size / 1e6:.0f} MB"


def signal_name(number: int) -> str:
    """``SIGSEGV (segmentation fault)``."""
    try:
        name = signal.Signals(number)
    except ValueError:
        return f"signal {number}"
    meaning = MEANINGS.get(name)
    return f"{name.name} ({meaning})" if meaning else name.name


def crash_reason(exited: Exited | None, *, channel_lost: bool, memory_limit: int | None = None,
                 used: int = 0) -> str:
    """The reason of a crash, for people. ``memory_limit``: we killed it for using ``used`` bytes."""
    if memory_limit is not None:
        return f"memory limit: used {gigabytes(used)}, at most {gigabytes(memory_limit)}"
    if exited is None:
        return "control channel lost: the process closed it and went on"
    if exited.oom_killed:
        return ("out of memory: killed by the kernel for lack of memory "
                f"(peak {gigabytes(exited.peak_bytes)})")
    if exited.signal is not None:
        return f"the process was ended by {signal_name(exited.signal)}"
    if exited.exit_code == EXIT_CHANNEL_LOST or (channel_lost and exited.exit_code == 0):
        return f"control channel lost: the process could not report (exit code {exited.exit_code})"
    return f"the process ended with exit code {exited.exit_code} before the job did"
