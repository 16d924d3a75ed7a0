"""Everything that a card needs to know of a job, read at one moment."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tether_lab.job import JobRow, State

from . import clock
from .follow import latest

if TYPE_CHECKING:
    from tether_lab.job.workflow import Edge
    from tether_lab.views.board import Snapshot

    from .lab import Lab

LIKE_BEFORE = 5
"""Earlier runs of the same key that tell what is usual."""


def snapshot(lab: Lab, job_id: int) -> Snapshot:
    """A job as it stands now. Cheap enough for a card that is shown while ``%%job`` returns."""
    from tether_lab.job_queue import read
    from tether_lab.views.board import Snapshot

    row = lab.read_row(job_id)
    begun = row.epoch > 0
    outputs, tail = _outputs(lab, row) if begun else (0, "")
    return Snapshot(
        lab=lab.uuid, lab_name=lab.name, row=row, at=clock.now(),
        attempts=tuple(read.attempts(lab.queue, job_id)) if begun else (),
        events=tuple(read.events(lab.queue, job_id)),
        version=lab.version(row.handler_id),
        result=read.result_shown(lab.queue, job_id) if row.state is State.COMPLETED else None,
        worker_alive=None if row.is_final else lab.worker.is_running(),
        worker_starting=lab.waker.on_its_way,
        typical=lab.usual(row.key) if row.state is State.RUNNING else None,
        outputs=outputs, tail=tail, asked=asked(lab, row))


def asked(lab: Lab, row: JobRow) -> tuple[Edge, ...]:
    """The edges to a step of a chain that have a condition."""
    from tether_lab.job_queue import groups

    return () if row.chain_id is None else tuple(groups.conditions(lab.queue, row.id))


def _outputs(lab: Lab, row: JobRow) -> tuple[int, str]:
    """How many outputs there are, and the last lines of text."""
    from tether_lab.views.fold import Fold, tail

    fold = Fold()
    for _, _, body in latest(lab, row.id):
        fold.add(json.loads(body))
    outputs = fold.outputs()
    return len(outputs), tail(outputs)


def usual(lab: Lab, key: str) -> float | None:
    """The median seconds of the last completed runs of a key; None before there are any."""
    from tether_lab.job_queue import read

    rows = read.jobs(lab.queue, states=frozenset({State.COMPLETED}), key=key, limit=LIKE_BEFORE)
    took = sorted((row.finished_at - row.started_at) / 1e6 for row in rows
                  if row.started_at is not None and row.finished_at is not None)
    return took[len(took) // 2] if took else None
