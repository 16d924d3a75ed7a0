"""Pause and resume queues, see them, and move a waiting job forward or back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tether_lab.errors import WrongState
from tether_lab.job.options import JobOptions, read_options

if TYPE_CHECKING:
    from .lab import Lab


@dataclass(frozen=True, slots=True)
class QueueState:
    """A named queue: its share (``weight``), whether it is paused, how many jobs wait (``depth``)."""

    name: str
    weight: float
    paused: bool
    depth: int


def pause(lab: Lab, queue: str | None) -> None:
    """Stored: it holds for every worker until ``resume``."""
    from tether_lab.job_queue import limits

    limits.pause(lab.queue, _name(queue))


def resume(lab: Lab, queue: str | None) -> None:
    """What may start again starts at once."""
    from tether_lab.job_queue import limits

    limits.resume(lab.queue, _name(queue))
    lab.waker.wake()


def queues(lab: Lab) -> list[QueueState]:
    """Those with a weight of their own, those with waiting jobs, those that are paused; where everything is
    paused, the default queue, too."""
    from tether_lab.job_queue import limits

    stopped, depths, shares = limits.paused(lab.queue), limits.depths(lab.queue), lab.queue.shares
    names = {*shares.names, *depths, *(name or JobOptions().queue for name in stopped)}
    found = [QueueState(name, shares.weight(name), name in stopped or limits.EVERYTHING in stopped,
                        depths.get(name, 0)) for name in names]
    return sorted(found, key=lambda queue: (-queue.weight, queue.name))


def prioritise(lab: Lab, job_id: int, priority: int) -> None:
    """Raises JobNotFound, OptionError, or WrongState if the job does not wait any more."""
    from tether_lab.job_queue import limits

    row = lab.read_row(job_id)
    wanted = read_options({"priority": priority}).priority
    if not limits.prioritise(lab.queue, job_id, wanted):
        raise WrongState(f"job {job_id} is {row.state}; only a job that waits has a priority to change",
                         remedy="lab.jobs('waiting') lists them.", where=f"job {job_id}")


def _name(queue: str | None) -> str:
    from tether_lab.job_queue import limits

    return limits.EVERYTHING if queue is None else read_options({"queue": queue}).queue
