"""Whole attempts of short jobs, as almost all of them go: claimed ahead, begun, succeeded, nothing said.

Of a job that was claimed ahead nothing but its claim is written. If what is heard of it next is that it
succeeded, all that is kept of its attempt is written with its end: three statements for hundreds of jobs,
fenced like every other end. Whatever does not fit goes the long way, through ``finish``.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from tether_lab.job import Claim, ResultRow, State, Usage
from tether_lab.outcome import Finish

from . import workflow
from .finish import Ending, put_result
from .statements import sql


class Brief(NamedTuple):
    """An attempt of its own job alone (no chain) that was claimed ahead and succeeded. Times are UTC
    microseconds; the result is None, or JSON; ``batch`` is the one that its job is of."""

    claim: Claim
    attempt: int
    started_at: int
    finished_at: int
    pid: int | None
    result: ResultRow | None = None
    batch: int | None = None

    def ending(self) -> Ending:
        """The same, to be recorded by ``finish_all``."""
        return Ending(claim=self.claim, outcome_name="succeeded", step=Finish(State.COMPLETED),
                      finished_at=self.finished_at, started_at=self.started_at, usage=Usage(pid=self.pid),
                      result=self.result, begins=self.attempt)


def finish_brief(connection: sqlite3.Connection, briefs: Sequence[Brief]) -> tuple[list[Ending], int]:
    """Record them all, and nothing is left; or none, if one of them does not fit (its claim is lost, somebody
    waits for it): then all are left, to go the long way. And how many jobs may start because of it."""
    connection.execute("SAVEPOINT brief")
    changed = connection.executemany(sql("finish_brief"), [
        (ended, ended, started, claim.job_id, claim.epoch, claim.worker, batch)
        for claim, _, started, ended, _, _, batch in briefs])
    if changed.rowcount != len(briefs):
        connection.execute("ROLLBACK TO brief")
        connection.execute("RELEASE brief")
        return [brief.ending() for brief in briefs], 0
    connection.execute("RELEASE brief")
    connection.executemany(sql("attempt_whole"), [
        (claim.job_id, claim.epoch, attempt, claim.worker, started, ended, pid)
        for claim, attempt, started, ended, pid, *_ in briefs])
    connection.executemany(sql("event_whole"), [
        (claim.job_id, claim.epoch, started, claim.job_id, claim.epoch, ended)
        for claim, _, started, ended, *_ in briefs])
    for brief in briefs:
        if brief.result is not None:
            put_result(connection, brief.claim, brief.result)
    members = Counter(brief.batch for brief in briefs if brief.batch is not None)
    now = max(brief.finished_at for brief in briefs)
    return [], sum(workflow.count_in_batch(connection, batch, Counter({State.COMPLETED: number}), now)
                   for batch, number in members.items())
