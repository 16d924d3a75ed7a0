"""Labs and jobs that are pickled: another kernel opens them again; inside a job they stand still.

No connection to the queue exists where user code runs. A lab that a cell happens to take along is
replaced there by a stand-in, which says so when something is asked of it. Standard library only.
"""

from __future__ import annotations

import sys
from typing import Any

from tether_lab.errors import BadRequest


class LabElsewhere:
    """What a captured ``lab`` is inside a job."""

    def __init__(self, folder: str) -> None:
        self._folder = folder

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise in_a_job(f"lab.{name}")

    def __repr__(self) -> str:
        return f"<Lab {self._folder}, out of reach inside a job>"

    def __reduce__(self) -> tuple[Any, ...]:
        return open_lab, (self._folder,)


def is_in_a_job() -> bool:
    """Whether this process runs a job now."""
    context = sys.modules.get("tether_lab.runner.context")
    return context is not None and bool(context.running())


def in_a_job(what: str) -> BadRequest:
    """The error for asking the lab from inside one of its jobs."""
    return BadRequest(f"{what}: a job cannot reach the queue that it came from", where=what,
                      remedy="ctx.enqueue(key, payload) enqueues from inside a job.")


def open_lab(folder: str) -> Any:
    """A pickled lab, where it is loaded."""
    if is_in_a_job():
        return LabElsewhere(folder)
    from .lab import Lab

    return Lab(folder)


def open_job(folder: str, job_id: int) -> Any:
    """A pickled job, where it is loaded."""
    from .job import Job

    return Job(open_lab(folder), job_id)
