"""Whole attempts of short jobs: fewer statements, the same rows, the same fence."""

from __future__ import annotations

import sqlite3
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import queues
from queues import NOW, SECOND

from tether_lab.job import Claim, ClaimedJob, ResultRow, State, Usage
from tether_lab.job.workflow import Parent
from tether_lab.job_queue import claim, outputs, read, rescue
from tether_lab.job_queue.queue import Queue
from tether_lab.outcome import Finish


class Everything:
    """All that is alike is claimed ahead."""

    def placed(self, job: claim.Candidate) -> None: ...

    def take(self, job: claim.Candidate) -> bool:
        return job.epoch == 0


@pytest.fixture
def queue(tmp_path: Path) -> Any:
    found = queues.opened(tmp_path)
    yield found
    found.close()


def claimed(queue: Queue, count: int, **values: Any) -> list[ClaimedJob]:
    """Jobs of a worker with one place: the first is placed, the others are ahead."""
    queues.put(queue, queues.registered(queue), count, **values)
    found = queues.turn(queue, limit=1, ahead=Everything()).claimed
    assert [job.ahead for job in found] == [False, *[True] * (count - 1)]
    return found


def brief(job: ClaimedJob, value: str | None = "1") -> claim.Brief:
    result = None if value is None else ResultRow(
        job.claim.job_id, "", job.claim.epoch, "json", value, value, "int", len(value), "k1", b"mac")
    return claim.Brief(job.claim, job.attempt, NOW + 1, NOW + SECOND, 77, result, job.batch)


def everything(queue: Queue, job_id: int) -> tuple[object, ...]:
    """All that is kept of a job, without its numbers."""
    with queue.read() as connection:
        connection.row_factory = sqlite3.Row
        try:
            rows = [[{name: value for name, value in dict(row).items() if name not in ("id", "job_id", "uuid")}
                     for row in connection.execute(f"SELECT * FROM {table} WHERE {column} = ?", (job_id,))]
                    for table, column in (("job", "id"), ("attempt", "job_id"), ("event", "job_id"),
                                          ("result", "job_id"))]
        finally:
            connection.row_factory = None
    return tuple(rows)


def statements(queue: Queue, of: Any) -> Counter[str]:
    """How often each kind of statement ran, by its first words."""
    found: Counter[str] = Counter()
    with queue.read() as connection:
        connection.set_trace_callback(lambda text: found.update([" ".join(text.split()[:3])]))
    try:
        of()
    finally:
        with queue.read() as connection:
            connection.set_trace_callback(None)
    return found


@pytest.mark.parametrize("value", ["1", None])
def test_a_brief_end_leaves_what_the_long_way_leaves(queue: Queue, value: str | None) -> None:
    """Job, attempt, events and result: no reader can tell the two ways apart."""
    _, short, long = claimed(queue, 3)
    queues.turn(queue, limit=0, brief=[brief(short, value)])
    queues.turn(queue, limit=0, finished=[brief(long, value).ending()])
    assert everything(queue, short.claim.job_id) == everything(queue, long.claim.job_id)
    (attempt,) = read.attempts(queue, short.claim.job_id)
    assert (attempt.attempt, attempt.outcome, attempt.usage.pid) == (1, "succeeded", 77)
    assert [event.kind for event in read.events(queue, short.claim.job_id)] == ["started", "succeeded"]


def test_nothing_is_written_of_an_attempt_ahead_until_it_is_known_to_have_begun(queue: Queue) -> None:
    """Its claim alone; with its first output come its row and the event of its start, once."""
    _, job = claimed(queue, 2)
    number = job.claim.job_id
    assert (read.attempts(queue, number), read.events(queue, number)) == ([], [])
    for row in (0, 1):
        outputs.append(queue, job.claim, [(row, "{}")], started=(77, NOW + 1), begins=job.attempt)
    (attempt,) = read.attempts(queue, number)
    assert (attempt.started_at, attempt.usage.pid, attempt.finished_at) == (NOW + 1, 77, None)
    assert [event.kind for event in read.events(queue, number)] == ["started"]


def test_a_rescued_claim_ahead_has_its_attempt(queue: Queue) -> None:
    """The worker died: the history says what became of the claim, and nothing is burnt."""
    _, job = claimed(queue, 2)
    rescue.rescue(queue, worker="w2", boot_id=queue.boot_id, mono=0, now=NOW, dead=["w1"], crash_budget=3)
    row = read.get(queue, job.claim.job_id)
    assert (row.state, row.attempt, row.crash_count) == (State.PENDING, 0, 0)
    (attempt,) = read.attempts(queue, job.claim.job_id)
    assert (attempt.epoch, attempt.outcome) == (1, "interrupted")
    kinds = [event.kind for event in read.events(queue, job.claim.job_id)]
    assert kinds == ["started", "interrupted", "rescued"]


def test_one_lost_claim_among_many_is_refused_alone(queue: Queue) -> None:
    """The others are recorded all the same, in the same transaction, each once."""
    jobs = claimed(queue, 6)[1:]
    lost = jobs[2]
    older = Claim(lost.claim.job_id, lost.claim.epoch - 1, lost.claim.worker)
    found = queues.turn(queue, limit=0, brief=[
        brief(job._replace(claim=older) if job is lost else job) for job in jobs])
    assert found.lost == [older]
    assert read.get(queue, lost.claim.job_id).state is State.RUNNING
    assert read.result(queue, lost.claim.job_id) is None
    for job in jobs:
        if job is not lost:
            assert read.get(queue, job.claim.job_id).state is State.COMPLETED
            assert [event.kind for event in read.events(queue, job.claim.job_id)] == ["started", "succeeded"]
            assert len(read.attempts(queue, job.claim.job_id)) == 1


def test_a_job_that_somebody_waits_for_releases_its_child(queue: Queue) -> None:
    """It was claimed ahead before anybody waited for it: its brief end goes the long way."""
    handler = queues.registered(queue)
    _, parent = claimed(queue, 2)
    row = read.get(queue, parent.claim.job_id)
    (child,) = queues.put(queue, handler, parents=[Parent(row.uuid, "parent", "fail", row.id)])
    assert read.get(queue, child).state is State.BLOCKED
    queues.turn(queue, limit=0, brief=[brief(parent)])
    assert read.get(queue, parent.claim.job_id).state is State.COMPLETED
    assert read.get(queue, child).state is State.PENDING


def test_the_long_way_says_as_much_of_a_claim_ahead(queue: Queue) -> None:
    """A failure of one that had not been written down: its attempt, its start, its end."""
    _, job = claimed(queue, 2)
    queues.turn(queue, limit=0, finished=[queues.ending(
        job, Finish(State.FAILED, "E: x"), started_at=NOW + 5, begins=job.attempt, usage=Usage(pid=77))])
    (attempt,) = read.attempts(queue, job.claim.job_id)
    assert (attempt.started_at, attempt.outcome, attempt.usage.pid) == (NOW + 5, "failed", 77)
    events = read.events(queue, job.claim.job_id)
    assert [(event.kind, event.at) for event in events] == [("started", NOW + 5), ("failed", NOW)]


def test_four_statements_carry_a_short_job_from_claim_to_end(queue: Queue) -> None:
    """One at the claim, three at the end; the rest of a turn costs the same for four jobs and for sixty."""
    few, many = 4, 64
    claims, ends = [], []
    for number in (few, many):
        queues.put(queue, queues.registered(queue), number)
        jobs: list[ClaimedJob] = []
        claims.append(statements(queue, lambda jobs=jobs: jobs.extend(  # type: ignore[misc]
            queues.turn(queue, limit=1, ahead=Everything()).claimed)))
        whole = [brief(job, None) for job in jobs[1:]]
        queues.turn(queue, limit=0, finished=[queues.ending(jobs[0])])
        ends.append(statements(queue, lambda whole=whole: queues.turn(  # type: ignore[misc]
            queue, limit=0, brief=whole)))
    assert (claims[1] - claims[0]).total() == many - few
    assert (ends[1] - ends[0]).total() == 3 * (many - few)
