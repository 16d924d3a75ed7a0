"""Tether Lab: a notebook cell becomes a job that outlives its kernel.

    %load_ext tether_lab

    %%job train --retries 3 --timeout 10m lr=0.1
    ...

    from tether_lab import Lab
    lab = Lab()
    job = lab.get(1)
    job.result()

Everything is loaded when it is first asked for: importing this package costs milliseconds and
loads the standard library only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

    from .errors import (
        BadRequest,
        BadSignature,
        CaptureRefused,
        CellError,
        DuplicateJob,
        JobCancelled,
        JobExpired,
        JobFailed,
        JobNotFound,
        JobWasCancelled,
        KeyMissing,
        NoRetry,
        OptionError,
        PayloadError,
        QueueError,
        ResultUnavailable,
        ScheduleNotFound,
        ServiceNotFound,
        SoftTimeout,
        TetherLabError,
        TriggerNotFound,
        UnknownHandler,
        WaitTimeout,
        WorkerError,
    )
    from .job import (
        Concurrency,
        Constraints,
        Cron,
        Dedup,
        Notify,
        RateLimit,
        RetryPolicy,
        State,
        Timeout,
        TimeWindow,
    )
    from .job.hooks import HookEntry
    from .lab import Job, Lab
    from .runner.context import Context
    from .runner.endings import Cancel, Fail, RetryAfter, Snooze
    from .runner.services import Service

    ctx: Context

__version__ = "0.1.0"

_HOMES = {
    "Lab": "lab", "Job": "lab", "State": "job", "RetryPolicy": "job", "Dedup": "job", "Timeout": "job",
    "Concurrency": "job", "Cron": "job", "Constraints": "job", "TimeWindow": "job", "RateLimit": "job",
    "Notify": "job", "HookEntry": "job.hooks",
    "Snooze": "runner.endings", "Cancel": "runner.endings", "Fail": "runner.endings",
    "RetryAfter": "runner.endings", "Service": "runner.services",
    **dict.fromkeys((
        "BadRequest", "BadSignature", "CaptureRefused", "CellError", "DuplicateJob", "JobCancelled",
        "JobExpired", "JobFailed", "JobNotFound", "JobWasCancelled", "KeyMissing", "NoRetry", "OptionError",
        "PayloadError", "QueueError", "ResultUnavailable", "ScheduleNotFound", "ServiceNotFound", "SoftTimeout",
        "TetherLabError", "TriggerNotFound", "UnknownHandler", "WaitTimeout", "WorkerError"), "errors"),
}

__all__ = [
    "BadRequest", "BadSignature", "Cancel", "CaptureRefused", "CellError", "Concurrency", "Constraints",
    "Cron", "Dedup", "DuplicateJob", "Fail", "HookEntry", "Job", "JobCancelled", "JobExpired", "JobFailed",
    "JobNotFound", "JobWasCancelled", "KeyMissing", "Lab", "NoRetry", "Notify", "OptionError", "PayloadError",
    "QueueError", "RateLimit", "ResultUnavailable", "RetryAfter", "RetryPolicy", "ScheduleNotFound", "Service",
    "ServiceNotFound", "Snooze", "SoftTimeout", "State", "TetherLabError", "TimeWindow", "Timeout",
    "TriggerNotFound", "UnknownHandler", "WaitTimeout",
    "WorkerError", "__version__", "ctx", "load_ipython_extension", "unload_ipython_extension",
]


def __getattr__(name: str) -> Any:
    if name == "ctx":               # the current job's: asked anew each time, never remembered
        from .runner.context import current

        return current()
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)


def load_ipython_extension(shell: Any) -> None:
    """``%load_ext tether_lab``: the magics."""
    from .cell.extension import load_ipython_extension as load

    load(shell)


def unload_ipython_extension(shell: Any) -> None:
    """``%unload_ext tether_lab``."""
    from .cell.extension import unload_ipython_extension as unload

    unload(shell)


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    """Where the JupyterLab extension lies, for `jupyter-builder develop`."""
    return [{"src": "labextension", "dest": "tether-lab"}]


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    """For ``jupyter server``: the extension, loaded only there."""
    from importlib import import_module  # by name: what imports the front door imports no server

    return [{"module": "tether_lab", "app": import_module(f"{__name__}.server.app").TetherLabApp}]
