"""Batches, any endings, kills, cancels, retries: the counters are the members', callbacks come once."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from tests.queues import NOW, ending, new_job, opened, registered, turn
from tether_lab.job import FINAL, State
from tether_lab.job_queue import cancel, claim, groups, read, rescue, retry
from tether_lab.job_queue.brief import Brief
from tether_lab.job_queue.queue import Queue
from tether_lab.outcome import Finish

ENDS = (State.COMPLETED, State.COMPLETED, State.FAILED, State.CANCELLED)
CALLBACKS = ("then", "catch", "finally")


@pytest.fixture(scope="module")
def queue() -> Iterator[Queue]:
    with TemporaryDirectory() as place:
        found = opened(Path(place), "supervisor")
        yield found
        found.close()


def put(queue: Queue, count: int) -> tuple[int, list[int], dict[str, int]]:
    """A batch with all three callbacks: its number, its members, its callbacks."""
    cancel.cancel(queue, everything=True, now=NOW)
    rescue.rescue(queue, worker="w2", boot_id=queue.boot_id, mono=0, now=NOW, dead=["w1"], crash_budget=99)
    handler, after = registered(queue), registered(queue, "after")
    names = {event: str(uuid.uuid4()) for event in CALLBACKS}
    number = groups.add_batch(
        queue, str(uuid.uuid4()), "b", [new_job(handler) for _ in range(count)],
        lambda _: {event: replace(new_job(after), uuid=name) for event, name in names.items()}, now=NOW)
    members = [job_id for job_id, _ in groups.members(queue, batch=number)]
    by_name = {row.uuid: row.id for row in read.jobs(queue, key="after", limit=10_000)}
    return number, members, {event: by_name[name] for event, name in names.items()}


class Alike:
    """Everything may be claimed ahead."""

    def placed(self, job: claim.Candidate) -> None: ...

    def take(self, job: claim.Candidate) -> bool:
        return job.epoch == 0


def run_out(queue: Queue, wanted: dict[int, State], data: st.DataObject | None) -> Counter[int]:
    """Let workers work, some of which are killed, until nothing can start; how often each job ended. What was
    claimed ahead and succeeds ends the short way."""
    ended: Counter[int] = Counter()
    for _ in range(300):
        ahead = Alike() if data is not None and data.draw(st.booleans()) else None
        claimed = turn(queue, "w1", limit=2, ahead=ahead).claimed
        if not claimed:
            return ended
        if data is not None and data.draw(st.booleans()):
            rescue.rescue(queue, worker="w2", boot_id=queue.boot_id, mono=0, now=NOW, dead=["w1"],
                          crash_budget=99)
            continue
        ended.update(job.claim.job_id for job in claimed)
        becomes = {job.claim: wanted.get(job.claim.job_id, State.COMPLETED) for job in claimed}
        short = [job for job in claimed if job.ahead and becomes[job.claim] is State.COMPLETED]
        turn(queue, "w1", limit=0,
             brief=[Brief(job.claim, job.attempt, NOW, NOW, 77, None, job.batch) for job in short],
             finished=[ending(job, Finish(becomes[job.claim]), begins=job.attempt if job.ahead else 0)
                       for job in claimed if job not in short])
    raise AssertionError("it does not come to an end")


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(wanted=st.lists(st.sampled_from(ENDS), max_size=6), data=st.data())
def test_counters_are_those_of_the_members_and_callbacks_come_once(
    queue: Queue, wanted: list[State], data: st.DataObject,
) -> None:
    """then: all completed; catch: one failed; finally: always; none of them twice, whoever dies."""
    number, members, callbacks = put(queue, len(wanted))
    ended = run_out(queue, dict(zip(members, wanted, strict=True)), data)
    row = groups.batch(queue, number)
    states = Counter(read.get(queue, one).state for one in members)
    assert (row.completed, row.failed, row.cancelled) == tuple(
        states[state] for state in (State.COMPLETED, State.FAILED, State.CANCELLED))
    assert row.finished_at is not None
    assert states == Counter(wanted)
    came = {event: ended[job_id] for event, job_id in callbacks.items()}
    assert came == {"then": int(set(wanted) <= {State.COMPLETED}), "catch": int(State.FAILED in wanted),
                    "finally": 1}
    assert {read.get(queue, one).state for one in callbacks.values()} <= FINAL


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(wanted=st.lists(st.sampled_from(ENDS), min_size=1, max_size=6), data=st.data())
def test_failed_items_run_again_alone(queue: Queue, wanted: list[State], data: st.DataObject) -> None:
    """A retry of what did not complete touches nothing else, and afterwards all of it is complete."""
    number, members, _ = put(queue, len(wanted))
    run_out(queue, dict(zip(members, wanted, strict=True)), None)
    bad = [one for one, state in zip(members, wanted, strict=True) if state is not State.COMPLETED]
    retry.retry_many(queue, bad, NOW)
    ended = run_out(queue, {}, data)
    assert {one for one in ended if one in members} == set(bad)
    row = groups.batch(queue, number)
    assert (row.completed, row.ended, row.total) == (len(wanted),) * 3
    assert row.status == "completed"
