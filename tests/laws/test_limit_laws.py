"""Slots, rates and pauses: laws over random histories, several workers and a clock that moves."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import queues
from hypothesis import HealthCheck, given, settings, strategies as st
from queues import NOW, SECOND

from tether_lab.job import State
from tether_lab.job_queue import cancel, limits, read, rescue
from tether_lab.job_queue.queue import Queue
from tether_lab.outcome import Finish, RetryAt

WINDOW = 10 * SECOND


@pytest.fixture
def queue(tmp_path: Path) -> Queue:
    return queues.opened(tmp_path, "supervisor")


moves = st.lists(st.tuples(
    st.sampled_from(["put", "turn", "turn", "finish", "retry", "cancel", "crash", "pause", "resume", "time"]),
    st.integers(0, 6)), max_size=40)


@settings(max_examples=40, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(moves=moves, slots=st.integers(1, 3), rate=st.integers(1, 3),
       strategy=st.sampled_from(["fifo", "lifo", "random", "by_priority"]))
def test_no_limit_is_ever_exceeded_and_everything_ends(
    queue: Queue, moves: list[tuple[str, int]], slots: int, rate: int, strategy: str,
) -> None:
    """Two workers, crashes, retries, cancels: slots and any window hold; nothing waits for ever."""
    with queue.write() as connection:
        for table in ("result", "event", "attempt", "job", "rate", "paused"):
            connection.execute(f"DELETE FROM {table}")
    handler = queues.registered(queue)
    now, starts, held, ids = NOW, [], [], []

    def turn(worker: str, finished: list[object], limit: int) -> None:
        stopped = bool(limits.paused(queue))
        found = queues.turn(queue, worker, limit=limit, now=now, finished=finished)
        assert not (stopped and found.claimed)
        held.extend(found.claimed)
        starts.extend([now] * len(found.claimed))
        running = read.jobs(queue, [State.RUNNING], limit=1000)
        assert len(running) <= slots
        assert all(sum(1 for at in starts if s <= at < s + WINDOW) <= rate for s in starts)

    for move, number in moves:
        worker = ("w1", "w2")[number % 2]
        if move == "put":
            ids += queues.put(queue, handler, number, priority=number, slot=("s", slots, strategy),
                              rate=("r", rate, WINDOW))
        elif move == "turn":
            turn(worker, [], number)
        elif move in ("finish", "retry") and held:
            claimed = held.pop(number % len(held))
            step = Finish(State.COMPLETED) if move == "finish" else RetryAt(now + number * SECOND, "again")
            turn(claimed.claim.worker, [queues.ending(claimed, step, at=now)], number)
        elif move == "cancel" and ids:
            cancel.cancel(queue, [ids[number % len(ids)]], now=now)
        elif move == "crash":
            rescue.rescue(queue, worker="w3", boot_id=queue.boot_id, mono=0, now=now, dead=[worker],
                          crash_budget=100)
            held[:] = [claimed for claimed in held if claimed.claim.worker != worker]
        elif move == "pause":
            limits.pause(queue, now=now)
        elif move == "resume":
            limits.resume(queue)
        elif move == "time":
            now += number * SECOND
    limits.resume(queue)
    for _ in range(4 * len(ids) + 20):
        ended = [queues.ending(claimed, at=now) for claimed in held]
        workers = Counter(claimed.claim.worker for claimed in held)
        held.clear()
        turn(next(iter(workers), "w1"), ended, 10)
        now = max(now, read.next_due(queue) or now)
    assert all(row.is_final for row in read.jobs(queue, limit=1000))


def test_a_waiting_job_says_for_what_and_the_worker_knows_until_when(queue: Queue) -> None:
    """slot, rate and pause each name themselves; the next start of a rate is in next_due."""
    handler = queues.registered(queue)
    queues.put(queue, handler, 2, slot=("train", 1, "fifo"))
    queues.put(queue, handler, 2, rate=("api", 1, WINDOW))
    queues.put(queue, handler, 1, queue="low")
    limits.pause(queue, "low", now=NOW)
    found = queues.turn(queue)
    assert found.next_due == NOW + WINDOW
    assert [(row.state, row.waits_for) for row in read.jobs(queue, order="oldest")] == [
        (State.RUNNING, None), (State.BLOCKED, "slot:train"), (State.RUNNING, None),
        (State.PENDING, "rate:api"), (State.PENDING, "paused:low")]
    ended = queues.turn(queue, finished=[queues.ending(found.claimed[0])])
    assert [c.claim.job_id for c in ended.claimed] == [2]


def test_a_rate_that_looks_further_back_sees_what_started_before_it_was_asked_for(queue: Queue) -> None:
    """A key's rule may change: starts that lie outside the old window count in a longer one."""
    handler = queues.registered(queue)
    queues.put(queue, handler, 2, rate=("api", 1, WINDOW))
    (first,) = queues.turn(queue).claimed
    (second,) = queues.turn(queue, now=NOW + 2 * WINDOW, finished=[queues.ending(first)]).claimed
    queues.put(queue, handler, rate=("api", 2, 3 * WINDOW))
    again = queues.turn(queue, now=NOW + 2 * WINDOW, finished=[queues.ending(second)])
    assert (again.claimed, again.next_due) == ([], NOW + 3 * WINDOW)
    assert len(queues.turn(queue, now=NOW + 3 * WINDOW).claimed) == 1


@pytest.mark.parametrize(("strategy", "order"), [
    ("fifo", [1, 2, 3]), ("lifo", [3, 2, 1]), ("by_priority", [2, 1, 3])])
def test_the_strategy_says_who_goes_next(queue: Queue, strategy: str, order: list[int]) -> None:
    """Among those that wait for a slot, whatever the order of the claim."""
    handler = queues.registered(queue)
    for priority in (0, 5, -5):
        queues.put(queue, handler, priority=priority, slot=("s", 1, strategy))
    took: list[int] = []
    finished: list[object] = []
    while found := queues.turn(queue, limit=5, finished=finished).claimed:
        took += [claimed.claim.job_id for claimed in found]
        finished = [queues.ending(claimed) for claimed in found]
    assert took == order


ENQUEUER = """
import sys
from pathlib import Path
from tests import queues
from tether_lab.job_queue import handlers
queue = queues.opened(Path(sys.argv[1]))
handler = handlers.version(queue, 1)
for start in range(0, int(sys.argv[2]), 25):
    jobs = [queues.new_job(handler, uuid=f"{sys.argv[3]}-{n}", rate=("api", 100, 1_000_000))
            for n in range(start, start + 25)]
    assert len(set(queues.enqueue.enqueue(queue, jobs))) == 25
"""


@pytest.mark.timeout(900)
@pytest.mark.parametrize("count", [1000, pytest.param(10_000, marks=pytest.mark.soak)])
def test_rate_limited_jobs_of_four_processes_are_neither_lost_nor_doubled(tmp_path: Path, count: int) -> None:
    """Enqueued by four at once while two workers claim: each starts once, and no second has more than 100."""
    queue = queues.opened(tmp_path, "supervisor")
    queues.registered(queue)
    asking = [subprocess.Popen([sys.executable, "-c", ENQUEUER, str(tmp_path), str(count // 4), f"p{n}"])
              for n in range(4)]
    now, claimed, starts, held = NOW * 2, Counter[int](), list[int](), list[object]()
    while any(process.poll() is None for process in asking) or sum(claimed.values()) < count:
        found = queues.turn(queue, ("w1", "w2")[len(starts) // 50 % 2], limit=50, now=now, finished=held)
        assert not found.lost
        held = [queues.ending(job, at=now) for job in found.claimed]
        claimed.update(job.claim.job_id for job in found.claimed)
        starts += [now] * len(found.claimed)
        if not found.claimed:
            now += SECOND // 10 if all(process.poll() is not None for process in asking) else 1
    assert [process.wait() for process in asking] == [0] * 4
    queues.turn(queue, "w1", limit=0, now=now, finished=held)
    assert len(claimed) == count
    assert set(claimed.values()) == {1}
    assert all(starts[at + 100] - starts[at] >= SECOND for at in range(len(starts) - 100))
    assert {row.state for row in read.jobs(queue, limit=count + 1)} == {State.COMPLETED}
