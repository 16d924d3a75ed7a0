"""Chains, batches and any graph of jobs, as values.

A job waits (``blocked``) for its parents. The end of each is one of three things to it: the parent
completed, so it may go on; the parent did not, and the edge's policy says what that means.

      policy    the parent failed, expired, was cancelled     the parent was skipped
      fail      the job is cancelled, and names the parent    skipped
      skip      skipped                                       skipped
      continue  goes on, its input from this parent is None   the same

An edge may have a condition as well: code that is asked, in the parent's process, about the result. What
it said comes with the end of a parent that completed, and only then:

      yes       goes on
      no        skipped
      failed    the job fails, and says what the condition raised
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tether_lab.errors import BadRequest

from .state import State

POLICIES = ("fail", "skip", "continue")
VERDICTS = ("yes", "no", "failed")
CONDITION = "~condition"
"""The key under which conditions are stored: versions without a head."""
CHAIN_STATUSES = ("running", "completed", "failed", "cancelled")


@dataclass(frozen=True, slots=True)
class Parent:
    """Somebody to wait for: a job's uuid, the name that its result has in ``ctx.inputs``, and what
    it means if it does not complete."""

    uuid: str
    name: str
    policy: str = "fail"
    job_id: int | None = None      # None: enqueued together with its child


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a condition said about the result of a parent: one of VERDICTS, and what it raised. ``child``:
    the uuid of the job that it decides about."""

    child: str
    word: str
    trouble: str | None = None


@dataclass(frozen=True, slots=True)
class Edge:
    """``child`` waits for ``parent`` (numbers of jobs), whose result it knows by ``name``. ``condition``: the
    code that is asked about that result, "" where it is not known, None if nothing is asked; ``verdict`` and
    ``trouble``: what it said when the parent completed last."""

    parent: int
    child: int
    policy: str = "fail"
    name: str = ""
    condition: str | None = None
    verdict: str | None = None
    trouble: str | None = None


@dataclass(frozen=True, slots=True)
class ChainRow:
    """A chain as it stands; ``counts`` are its jobs by state."""

    id: int
    uuid: str
    name: str
    created_at: int
    finished_at: int | None
    counts: Mapping[State, int]
    tolerated: int = 0             # failures that everybody behind them goes on after

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def status(self) -> str:
        """running, completed, failed or cancelled."""
        if self.finished_at is None:
            return "running"
        bad = self.counts.get(State.FAILED, 0) + self.counts.get(State.EXPIRED, 0) - self.tolerated
        if bad > 0:
            return "failed"
        return "cancelled" if self.counts.get(State.CANCELLED, 0) else "completed"


@dataclass(frozen=True, slots=True)
class BatchRow:
    """A batch as it stands: how many members, and how many ended how."""

    id: int
    uuid: str
    name: str
    total: int
    completed: int
    failed: int
    cancelled: int
    expired: int
    skipped: int
    created_at: int
    finished_at: int | None

    @property
    def ended(self) -> int:
        return self.completed + self.failed + self.cancelled + self.expired + self.skipped

    @property
    def status(self) -> str:
        """running, completed, failed or cancelled."""
        if self.finished_at is None:
            return "running"
        if self.failed or self.expired:
            return "failed"
        return "cancelled" if self.cancelled else "completed"


def after_end(policy: str, parent: State, verdict: str | None = None) -> State | None:
    """What the final state of a parent makes of a waiting child; None: the child may go on. ``verdict``:
    what the condition of their edge said, None if there is none."""
    if parent is State.COMPLETED:
        return {"no": State.SKIPPED, "failed": State.FAILED}.get(verdict or "yes")
    if policy == "continue":
        return None
    return State.SKIPPED if policy == "skip" or parent is State.SKIPPED else State.CANCELLED


def in_order(parents: Mapping[str, Sequence[str]]) -> list[str]:
    """The steps so that each comes after those it waits for, otherwise as given.

    Raises BadRequest for a step that nobody made, and for a circle, which it names.
    """
    for name, needed in parents.items():
        for other in needed:
            if other not in parents:
                raise BadRequest(f"the step {name!r} comes after {other!r}, which is no step of this chain",
                                 remedy=f"Its steps: {', '.join(parents)}.", where=name)
    found: dict[str, None] = {}
    left = dict(parents)
    while left:
        ready = [name for name, needed in left.items() if all(other in found for other in needed)]
        if not ready:
            circle = _circle(left)
            raise BadRequest(f"these steps wait for each other: {' → '.join(circle)}",
                             remedy="A chain has no circles: leave one of the links out.", where=circle[0])
        for name in ready:
            found[name] = None
            del left[name]
    return list(found)


def _circle(left: Mapping[str, Iterable[str]]) -> list[str]:
    """One way round, in the order of the work."""
    path = [next(iter(left))]
    while True:
        needed = next(other for other in left[path[-1]] if other in left)
        if needed in path:
            return [*reversed(path[path.index(needed):]), path[-1]]
        path.append(needed)
