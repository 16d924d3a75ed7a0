"""Conditions of those who wait for a job: asked here, where its result is, right after it was stored.

What they raise is not the job's trouble: it is told, and the one who waits fails with it. Their time is the
job's, and what they print is its output.
"""

from __future__ import annotations

from . import failures, wire
from .call import Handlers
from .extras import code_of


def verdicts(task: wire.Task, handlers: Handlers, value: object) -> tuple[wire.Verdict, ...]:
    """What each condition says about ``value``."""
    return tuple(_verdict(condition, task, handlers, value) for condition in task.conditions)


def _verdict(condition: wire.Extra, task: wire.Task, handlers: Handlers, value: object) -> wire.Verdict:
    try:
        said = code_of(condition, task, handlers)(value)
        if said is None:
            return wire.Verdict(condition.name, "failed", "gave None: does it lack a return?")
        return wire.Verdict(condition.name, "yes" if said else "no")
    except (Exception, SystemExit) as error:  # noqa: BLE001  user code
        return wire.Verdict(condition.name, "failed",
                            f"raised {type(error).__name__}: {failures.message_of(error)}")
