"""Conditions on the edges of a chain: stored and signed like handlers, asked where the parent's result is."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tether_lab.errors import BadRequest
from tether_lab.job.workflow import CONDITION

if TYPE_CHECKING:
    from .lab import Lab

REMEDY = "As in when=lambda result: result['rows'] > 0"


def check(step: str, function: object) -> None:
    """What can be seen at the door. Raises BadRequest."""
    if not inspect.isfunction(function):
        raise BadRequest(f"the condition of {step!r} is no function: {function!r:.60}", where="when",
                         remedy=f"{REMEDY}.")
    if inspect.iscoroutinefunction(function) or inspect.isgeneratorfunction(function) or (
            inspect.isasyncgenfunction(function)):
        raise BadRequest(f"the condition of {step!r} is async or a generator", where="when",
                         remedy="Use a plain function that returns True or False.")
    try:
        inspect.signature(function).bind(None)
    except TypeError as error:
        raise BadRequest(f"the condition of {step!r} does not take one result: {error}", where="when",
                         remedy=f"{REMEDY}; it is asked about each step before it, one by one.") from None


def lambda_source(function: Callable[..., Any]) -> str:
    """A lambda as it was written, without the line it stands in; "" for a def, and where nobody can tell."""
    code = function.__code__
    spots = [((line, column), (last_line, end)) for line, last_line, column, end in code.co_positions()
             if line and last_line and column is not None and end]
    if code.co_name != "<lambda>" or not spots:
        return ""
    (first, start), (last, end) = min(begin for begin, _ in spots), max(stop for _, stop in spots)
    try:
        lines = [line.encode() for line in inspect.findsource(function)[0][first - 1:last]]
        lines[-1] = lines[-1][:end]
        lines[0] = lines[0][start:]
        body = " ".join(line.decode().strip() for line in lines)
    except (OSError, IndexError, UnicodeDecodeError):
        return ""
    return f"lambda {', '.join(code.co_varnames[:code.co_argcount])}: {body}"


def keep(lab: Lab, function: Callable[..., Any]) -> str:
    """Store a condition with what it needs; the version by which a job's options name it."""
    from tether_lab.capture import CaptureRequest, capture_function
    from tether_lab.job_queue import register as verb

    from .register import namespace_of, signed, source_of

    request = CaptureRequest(namespace=namespace_of(function), repeated=True,
                             warn=lab.settings.capture_warn, limit=lab.settings.capture_limit)
    captured = capture_function(function, request, lab.store(encrypted=lab.settings.encrypt))
    source = lambda_source(function) or source_of(function)
    version = signed(lab, CONDITION, "function", source, "{}", captured)
    return verb.keep_beside(lab.queue, version, small_blobs=captured.small, large_blobs=captured.large).version
