"""Cancel jobs: waiting ones at once, running ones by asking them, then by force."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from tether_lab.errors import BadRequest
from tether_lab.job import State

from .clock import now

if TYPE_CHECKING:
    from .lab import Lab


def cancel(lab: Lab, ids: int | Iterable[int] | None, *, key: str | None, tag: str | None,
           everything: bool, force: bool) -> dict[State, int]:
    """How many jobs there were of each prior state. Final ones are left as they are.

    ``force`` gives running jobs no time to clean up. Raises JobNotFound for an unknown id.
    """
    from tether_lab.job_queue import cancel as verb

    chosen = sum((ids is not None, key is not None, tag is not None, everything))
    if chosen != 1:
        raise BadRequest("cancel wants one of: an id (or several), key=, tag=, all=True",
                         remedy="lab.cancel(12), lab.cancel(key='train'), lab.cancel(all=True).")
    wanted: dict[str, Any] = {"key": key, "tag": tag, "force": force}
    if ids is not None:
        numbers = [int(ids)] if isinstance(ids, int) or hasattr(ids, "__int__") else [int(i) for i in ids]
        for number in numbers:
            lab.read_row(number)
        wanted["ids"] = numbers
    counts = verb.cancel(lab.queue, now=now(), **wanted)
    lab.waker.wake()
    return counts
