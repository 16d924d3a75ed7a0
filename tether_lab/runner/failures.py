"""Exceptions of user code as plain values: safe to send whatever the exception does when looked at."""

from __future__ import annotations

import traceback
from pathlib import Path
from types import TracebackType

from tether_lab.errors import (
    BadRequest,
    BadSignature,
    CaptureUnavailable,
    JobCancelled,
    NoRetry,
    SoftTimeout,
    TetherLabError,
)

from . import wire
from .endings import RetryAfter

PACKAGE = str(Path(__file__).resolve().parent.parent)
FOR_GOOD = (NoRetry, BadRequest, BadSignature, CaptureUnavailable)
"""What another attempt would only meet again."""
MOST_TEXT = 1_000_000
MOST_MESSAGE = 20_000


def message_of(error: BaseException) -> str:
    """``str(error)``, or a sentence about why there is none."""
    try:
        text = error.message if isinstance(error, TetherLabError) else str(error)
        if isinstance(error, SyntaxError) and "/ipykernel_" in str(error.filename):
            text = f"{error.msg} (cell, line {error.lineno})"
        text = text.encode("utf-8", "backslashreplace").decode()
    except Exception as problem:  # noqa: BLE001  user code: the __str__ of an exception
        return f"<the text of this {type(error).__name__} is not available: {type(problem).__name__}>"
    said = [note for note in getattr(error, "__notes__", ()) if str(note).startswith("raised by the ")]
    text += "".join(f" ({note})" for note in said)
    if isinstance(error, SystemExit):
        text = f"{text or '0'} (a job ends by returning; SystemExit counts as a failure)"
    return text[:MOST_MESSAGE]


def types_of(error: BaseException) -> tuple[str, ...]:
    """The names of its class and of the bases, up to BaseException."""
    return tuple(cls.__name__ for cls in type(error).__mro__ if cls is not object)


def traceback_of(error: BaseException) -> str:
    """The traceback as Python prints it, without the frames of this package around user code."""
    try:
        trace = user_part(error.__traceback__)
        if trace is error.__traceback__ and isinstance(error, TetherLabError):
            trace = None               # refused before any user code ran: nothing to be learned
        lines = traceback.format_exception(type(error), error, trace)
    except Exception:  # noqa: BLE001  user code again: notes, __str__, __repr__
        lines = ["Traceback (most recent call last):\n", *traceback.format_tb(error.__traceback__),
                 f"{type(error).__name__}: {message_of(error)}\n"]
    return clipped("".join(lines))


def clipped(text: str) -> str:
    """At most MOST_TEXT characters, the middle left out; always encodable."""
    if len(text) > MOST_TEXT:
        half = MOST_TEXT // 2
        text = f"{text[:half]}\n[… {len(text) - 2 * half:,} characters left out …]\n{text[-half:]}"
    return text.encode("utf-8", "backslashreplace").decode()


def user_part(trace: TracebackType | None) -> TracebackType | None:
    """The traceback without our frames at either end; whole if there is nothing else."""
    first = trace
    while first is not None and _ours(first):
        first = first.tb_next
    if first is None:
        return trace
    kept = [first]
    while (following := kept[-1].tb_next) is not None:
        kept.append(following)
    while len(kept) > 1 and _ours(kept[-1]):
        kept.pop()
    result: TracebackType | None = None
    for part in reversed(kept):
        result = TracebackType(result, part.tb_frame, part.tb_lasti, part.tb_lineno)
    return result


def _ours(trace: TracebackType) -> bool:
    return trace.tb_frame.f_code.co_filename.startswith(PACKAGE)


def ended(job_id: int, epoch: int, error: BaseException, *, trace: str | None = None,
          hint: str | None = None) -> wire.Ended:
    """How an attempt ended that raised ``error``. ``trace``: its traceback if already formatted."""
    kind = "failed"
    if isinstance(error, JobCancelled):
        return wire.Ended(job_id, epoch, "cancelled", types_of(error))
    if isinstance(error, SoftTimeout):
        kind = "soft_timed_out"
    message = message_of(error)
    return wire.Ended(
        job_id, epoch, kind, error_types=types_of(error),
        message=f"{message} ({hint})" if hint else message,
        traceback=clipped(trace if trace is not None else traceback_of(error)),
        retry=not isinstance(error, FOR_GOOD),
        retry_after=error.seconds if isinstance(error, RetryAfter) else None)
