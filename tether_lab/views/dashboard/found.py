"""What was read for one look at a lab: plain values, handed to ``board`` and ``detail``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tether_lab.job import HandlerVersion, JobRow
from tether_lab.job.schedule import ScheduleRow
from tether_lab.job.service import ServiceRow
from tether_lab.job.workflow import BatchRow, ChainRow
from tether_lab.job_queue.board import Tally
from tether_lab.views.board import Snapshot


@dataclass(frozen=True, slots=True)
class QueueLine:
    """A queue: its share, whether it is paused, how many jobs wait in it."""

    name: str
    weight: float
    paused: bool
    waiting: int


@dataclass(frozen=True, slots=True)
class Found:
    """A lab at one moment, ``at`` (UTC µs). ``tally`` is None while it is counted for the first time;
    ``total`` how many jobs fit the question, None where the tally says so; ``usual`` the usual seconds of
    a run by key; ``paused`` that everything is."""

    lab: str
    at: int
    worker: int | None = None
    worker_alive: bool = False
    runners: int = 1
    tally: Sequence[Tally] | None = None
    running: Sequence[JobRow] = ()
    usual: Mapping[str, float | None] = field(default_factory=dict)
    rows: Sequence[JobRow] = ()
    total: int | None = None
    chains: Sequence[ChainRow] = ()
    batches: Sequence[BatchRow] = ()
    schedules: Sequence[ScheduleRow] = ()
    services: Sequence[ServiceRow] = ()
    queues: Sequence[QueueLine] = ()
    paused: bool = False
    next_due: int | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """The job that is open, as its card knows it; ``stack`` is where it was when somebody looked,
    ``outputs`` are counted in the snapshot and shown beside the view."""

    snapshot: Snapshot
    version: HandlerVersion | None = None
    stack: str = ""
