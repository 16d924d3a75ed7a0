"""What was meant: the verbs of a lab, called alike by magics, code, buttons and the command line.

``Lab`` is a thin object: a folder, settings, and one method a verb; each verb lives in a file of its
own. ``Job`` is the handle users hold. Called by ``cell``, ``cli`` and ``server``. Never parses what
was typed and never draws.

Decisions: everything is checked before anything is written, one transaction a verb, and the worker
is woken after the commit (or started, in the background). Rows are read when they are asked for; a
``Job`` holds no copy that could grow old. What waits listens for changes of the folder, and starts a
worker if there is none: no job hangs because its worker died.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

    from .cells import CellRequest
    from .handler import RegisteredHandler
    from .job import Job
    from .lab import Lab

__all__ = ["CellRequest", "Job", "Lab", "RegisteredHandler"]

_HOMES = {"CellRequest": "cells", "Job": "job", "Lab": "lab", "RegisteredHandler": "handler"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
