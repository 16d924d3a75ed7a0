"""``--wait`` and ``--follow``: a job's outputs stream into the cell, as if the cell ran here.

Runs in the cell's own thread. An interrupt ends the watching, never the job, and says so; a second
one right after it offers to cancel the job.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

from tether_lab.errors import JobFailed
from tether_lab.job import State

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tether_lab.lab import Job
    from tether_lab.views.replay import Replay

    from .cards import Cards

SECOND_INTERRUPT = 2.0
"""Seconds in which a second interrupt offers to cancel."""


class StoppedWatching(KeyboardInterrupt):
    """The person at the notebook stopped watching; the job goes on."""

    def _render_traceback_(self) -> list[str]:
        return [f"KeyboardInterrupt: {self}"]


def follow(job: Job, cards: Cards, *, with_card: bool, notices: tuple[str, ...] = ()) -> Job:
    """Stream the outputs of ``job`` until it is final. ``with_card`` puts its card above them.

    Returns the job, not to be shown again. Raises JobFailed (or JobWasCancelled, JobExpired) with
    the job's own traceback, StoppedWatching after an interrupt.
    """
    from tether_lab.views.replay import Replay

    replay = Replay(errors=False)
    try:
        if with_card:
            cards.show(job, notices)
        else:
            _say(*notices)
        _stream(job, replay, cards if with_card else None)
    except KeyboardInterrupt:
        _stopped(job, cards)
    row = job.row
    if row.state is not State.COMPLETED:
        raise _failure(job, replay)
    replay.settle()
    return cards.quietly(job)


def _stream(job: Job, replay: Replay, cards: Cards | None) -> None:
    from tether_lab.lab.follow import news

    for body in news(job.lab, job.id):
        _show(job, replay, body, cards)


def _show(job: Job, replay: Replay, body: Mapping[str, Any], cards: Cards | None) -> None:
    if body["k"] == "attempt":
        replay.attempt()
        ended = [a for a in job.attempts if a.epoch < body["epoch"] and a.finished_at is not None]
        why = f" (the last one: {ended[-1].error})" if ended and ended[-1].error else ""
        _say(f"attempt {job.row.attempt} of {job.row.max_attempts} of job {job.id} begins{why}")
        return
    replay.row(body)
    if body["k"] == "clear_output" and cards is not None:
        cards.show(job)


def _failure(job: Job, replay: Replay) -> JobFailed:
    """The error to raise, with the traceback that a plain cell would have shown."""
    from tether_lab.lab.results import failure

    error = failure(job.lab, job.row)
    lines: list[str] = []
    if replay.unshown is not None:
        lines = [str(line) for line in replay.unshown["traceback"]]
    elif replay.error is None and error.traceback:
        lines = error.traceback.rstrip().split("\n")
    lines.append(f"{type(error).__name__}: {error.message}")
    lines.append(f"%jobs show {job.id} tells more; %jobs retry {job.id} runs it again.")
    error._render_traceback_ = lambda: lines  # type: ignore[attr-defined]
    return error


def _stopped(job: Job, cards: Cards) -> None:
    """After an interrupt: say what goes on, give a moment for a second one, then give up watching."""
    _say(f"Stopped watching; job {job.id} goes on. Watch again: %jobs follow {job.id}. "
         "Interrupt once more now to cancel it.")
    try:
        time.sleep(SECOND_INTERRUPT)
    except KeyboardInterrupt:
        _offer_cancel(job, cards)
    raise StoppedWatching(f"stopped watching job {job.id}") from None


def _offer_cancel(job: Job, cards: Cards) -> None:
    if not cards.can_ask():
        _say(f"%jobs cancel {job.id} cancels it.")
        return
    try:
        answer = input(f"Cancel job {job.id}? [y/N] ")
    except (KeyboardInterrupt, EOFError):
        answer = ""
    if answer.strip().lower() in ("y", "yes"):
        job.cancel()
        _say(f"Job {job.id} is being cancelled.")
    else:
        _say(f"Job {job.id} goes on.")


def _say(*lines: str) -> None:
    for line in lines:
        sys.stderr.write(line + "\n")
    sys.stderr.flush()
