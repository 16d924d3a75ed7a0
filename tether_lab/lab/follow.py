"""Follow a job: its output as it comes, until it ends."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from tether_lab.job import JobRow

from .watch import LOOK_AGAIN

if TYPE_CHECKING:
    from .lab import Lab


def rows(lab: Lab, job_id: int, after: tuple[int, int]) -> list[tuple[int, int, str]]:
    """The output rows ``(seq, epoch, body)`` behind ``(epoch, seq)``, oldest first; ``(0, -1)`` for
    those of every attempt."""
    from tether_lab.job_queue import outputs, read

    epoch, seq = after
    found = outputs.read(lab.queue, job_id, epoch=epoch, after=seq) if epoch else []
    if lab.read_row(job_id).epoch > epoch:
        later = [a.epoch for a in read.attempts(lab.queue, job_id) if a.epoch > epoch]
        for number in sorted(later):
            found = found + outputs.read(lab.queue, job_id, epoch=number)
    return found


def latest(lab: Lab, job_id: int) -> list[tuple[int, int, str]]:
    """The output rows of the newest attempt."""
    from tether_lab.job_queue import outputs

    return outputs.read(lab.queue, job_id)


def news(lab: Lab, job_id: int) -> Iterator[Mapping[str, Any]]:
    """Bodies of output rows as they come, until the job is final and its last row was seen. The
    first row of another attempt is preceded by ``{"k": "attempt", "epoch": …}``."""
    from tether_lab.views.following import Following

    following, checked = Following(), 0.0
    with lab.changes() as changes:
        while True:
            final = lab.read_row(job_id).is_final      # before the rows: what follows it is complete
            yield from following.news(rows(lab, job_id, following.after))
            if final:
                return
            if time.monotonic() - checked >= LOOK_AGAIN:
                checked = time.monotonic()
                lab.ensure_worker()
            changes.wait(LOOK_AGAIN)


def follow(lab: Lab, job_id: int) -> JobRow:
    """Show the output of a job in the current cell or terminal as it comes; its row at the end.

    An interrupt stops the watching, not the job, and says so.
    """
    from tether_lab.views.replay import Replay

    replay = Replay()
    try:
        for body in news(lab, job_id):
            if body["k"] == "attempt":
                _say(f"-- another attempt of job {job_id} --")
            else:
                replay.row(body)
    except KeyboardInterrupt:
        _say(f"Stopped watching; job {job_id} goes on. lab.get({job_id}).follow() watches it again, "
             f".cancel() ends it.")
    return lab.read_row(job_id)


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()
