"""The queue against a model of a page: whatever two workers and a user do, in whatever order."""

from __future__ import annotations

import contextlib
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import HealthCheck, Phase, settings as hypothesis_settings, strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests import queues
from tests.queues import LEASE, NOW, SECOND
from tether_lab.errors import BadRequest, StorageFull
from tether_lab.job import FINAL, MOVES, Claim, HandlerVersion, State
from tether_lab.job_queue import cancel, claim, finish, rescue, retry, statements
from tether_lab.job_queue.queue import Queue
from tether_lab.outcome import Finish, NextStep, Requeue, RetryAt, SnoozeUntil

WORKERS = ("w1", "w2")
BUDGET = 3
WAITING = (State.BLOCKED, State.SCHEDULED, State.PENDING, State.RETRYING)


@dataclass
class Model:
    """One job, as a few lines of Python understand it."""

    state: State
    priority: int
    run_at: int
    expires_at: int | None
    max_attempts: int
    attempt: int = 0
    epoch: int = 0
    crashes: int = 0
    worker: str | None = None
    boot: str = ""
    lease: int = 0
    cancelling: bool = False
    begun: bool = False
    result_epoch: int | None = None
    results_of_run: int = 0

    def holds(self, held: Claim) -> bool:
        return self.state is State.RUNNING and (held.epoch, held.worker) == (self.epoch, self.worker)

    def end(self, step: NextStep) -> None:
        """What an accepted ending does."""
        done = isinstance(step, Finish) and step.state in (State.COMPLETED, State.CANCELLED)
        self.worker = None
        if self.cancelling and not done:
            self.state = State.CANCELLED
            self.run_at = step.run_at if isinstance(step, RetryAt | SnoozeUntil) else self.run_at
            return
        if isinstance(step, SnoozeUntil | Requeue):
            self.attempt -= 1
        if isinstance(step, Requeue) and step.crash:
            self.crashes += 1
        if isinstance(step, RetryAt | SnoozeUntil):
            self.run_at = step.run_at
        match step:
            case Finish(state):
                self.state = state
            case RetryAt():
                self.state = State.RETRYING
            case SnoozeUntil():
                self.state = State.SCHEDULED
            case Requeue():
                self.state = State.PENDING
        if self.state is State.COMPLETED:
            self.result_epoch = self.epoch
            self.results_of_run += 1


steps = st.one_of(
    st.builds(Finish, st.sampled_from([State.COMPLETED, State.COMPLETED, State.FAILED, State.CANCELLED])),
    st.builds(lambda delay: ("retry", delay), st.integers(-5, 20)),
    st.builds(lambda delay: ("snooze", delay), st.integers(-5, 20)),
    st.builds(Requeue, st.just("x"), st.booleans()),
)


class QueueLaws(RuleBasedStateMachine):
    """Two workers, of which each may be a zombie at any time, one user, two clocks, reboots, full disks."""

    queue: Queue
    handler: HandlerVersion

    @initialize()
    def begin(self) -> None:
        with self.queue.write() as connection:
            for table in ("result", "output", "event", "attempt", "job"):
                connection.execute(f"DELETE FROM {table}")
        self.now, self.mono, self.boot = NOW, 10**12, "boot0"
        self.jobs: dict[int, Model] = {}
        self.claims: list[Claim] = []
        self.seen: dict[int, tuple[int, State]] = {}

    @rule(priority=st.integers(-1, 1), delay=st.integers(-3, 10), expires=st.none() | st.integers(0, 30),
          attempts=st.integers(1, 3))
    def enqueue(self, priority: int, delay: int, expires: int | None, attempts: int) -> None:
        due = self.now + delay * SECOND
        until = None if expires is None else self.now + expires * SECOND
        job = queues.new_job(self.handler, priority=priority, run_at=due, expires_at=until,
                             max_attempts=attempts)
        (job_id,) = queues.enqueue.enqueue(self.queue, [job], now=self.now)
        state = State.PENDING if due <= self.now else State.SCHEDULED
        self.jobs[job_id] = Model(state, priority, due, until, attempts)

    @rule(data=st.data(), worker=st.sampled_from(WORKERS), limit=st.integers(0, 3), count=st.integers(0, 2))
    def turn(self, data: st.DataObject, worker: str, limit: int, count: int) -> None:
        """Endings of any claims there ever were, then as many jobs as asked for, in order."""
        self._turn(worker, limit, [(data.draw(st.sampled_from(self.claims)), self._step(data.draw(steps)))
                                   for _ in range(count if self.claims else 0)])

    def _turn(self, worker: str, limit: int, ended: Sequence[tuple[Claim, NextStep]]) -> None:
        endings, lost = [], []
        for held, step in ended:
            endings.append(queues.ending(held, step, at=self.now, value=held.epoch))
            model = self.jobs[held.job_id]
            if model.holds(held):
                model.end(step)
            else:
                lost.append(held)
        expected = self._promote_expire_choose(limit)
        found = queues.turn(self.queue, worker, limit=limit, now=self.now, mono=self.mono, finished=endings,
                            boot_id=self.boot)
        assert found.lost == lost
        assert [c.claim.job_id for c in found.claimed] == expected
        for claimed in found.claimed:
            model = self.jobs[claimed.claim.job_id]
            model.state, model.worker, model.begun = State.RUNNING, worker, True
            model.boot, model.lease = self.boot, self.mono + LEASE
            model.epoch, model.attempt = model.epoch + 1, model.attempt + 1
            assert (claimed.claim.epoch, claimed.attempt) == (model.epoch, model.attempt)
            self.claims.append(claimed.claim)

    def _step(self, drawn: object) -> NextStep:
        match drawn:
            case ("retry", int(delay)):
                return RetryAt(self.now + delay * SECOND, "because")
            case ("snooze", int(delay)):
                return SnoozeUntil(self.now + delay * SECOND)
        assert isinstance(drawn, Finish | Requeue)
        return drawn

    def _promote_expire_choose(self, limit: int) -> list[int]:
        for model in self.jobs.values():
            if model.state in (State.SCHEDULED, State.RETRYING) and model.run_at <= self.now:
                model.state = State.PENDING
            if (model.state in (State.SCHEDULED, State.PENDING) and not model.begun
                    and model.expires_at is not None and model.expires_at <= self.now):
                model.state = State.EXPIRED
        ready = [(-m.priority, m.run_at, job_id) for job_id, m in self.jobs.items() if m.state is State.PENDING]
        return [job_id for _, _, job_id in sorted(ready)[:limit]]

    @precondition(lambda self: self.claims)
    @rule(data=st.data())
    def renew(self, data: st.DataObject) -> None:
        self._renew(data.draw(st.sampled_from(self.claims)))

    def _renew(self, held: Claim) -> None:
        lost = claim.renew(self.queue, [held], self.mono + LEASE)
        if self.jobs[held.job_id].holds(held):
            assert not lost
            self.jobs[held.job_id].lease = self.mono + LEASE
        else:
            assert lost == [held]

    @rule(worker=st.sampled_from(WORKERS), dead=st.sets(st.sampled_from(WORKERS)))
    def rescue(self, worker: str, dead: set[str]) -> None:
        found = rescue.rescue(self.queue, worker=worker, boot_id=self.boot, mono=self.mono, now=self.now,
                              dead=sorted(dead), crash_budget=BUDGET)
        expected = set()
        for job_id, model in self.jobs.items():
            if model.state is State.RUNNING and model.worker != worker and (
                    model.boot != self.boot or model.lease < self.mono or model.worker in dead):
                buried = model.crashes + 1 >= BUDGET and not model.cancelling
                model.end(Finish(State.FAILED) if buried else Requeue("", crash=True))
                model.epoch += 1
                expected.add((job_id, model.epoch, str(model.state)))
        assert set(found) == expected

    @precondition(lambda self: self.jobs)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        job_id = data.draw(st.sampled_from(sorted(self.jobs)))
        model = self.jobs[job_id]
        assert cancel.cancel(self.queue, [job_id], now=self.now) == {model.state: 1}
        if model.state in WAITING:
            model.state = State.CANCELLED
        elif model.state is State.RUNNING:
            model.cancelling = True

    @precondition(lambda self: self.jobs)
    @rule(data=st.data())
    def retry(self, data: st.DataObject) -> None:
        self._retry(data.draw(st.sampled_from(sorted(self.jobs))))

    def _retry(self, job_id: int) -> None:
        model = self.jobs[job_id]
        if model.state not in FINAL:
            with pytest.raises(BadRequest):
                retry.retry(self.queue, job_id, self.now)
            return
        retry.retry(self.queue, job_id, self.now)
        model.max_attempts = max(model.max_attempts, model.attempt + 1)
        model.state, model.run_at, model.expires_at, model.crashes = State.PENDING, self.now, None, 0
        model.cancelling, model.begun, model.results_of_run = False, False, 0

    def _taken(self, worker: str, step: NextStep, expires: int | None = None) -> Claim:
        """A job with one attempt, taken by a worker and ended; the claim that is void by now."""
        self.enqueue(1, 0, expires, 1)
        job_id = max(self.jobs)
        self._turn(worker, len(self.jobs), [])
        held = next(held for held in reversed(self.claims) if held.job_id == job_id)
        self._turn(worker, 0, [(held, step)])
        return held

    @rule(worker=st.sampled_from(WORKERS), state=st.sampled_from([State.FAILED, State.COMPLETED]))
    def once_more(self, worker: str, state: State) -> None:
        """All its attempts are used up, and somebody takes it back."""
        self._retry(self._taken(worker, Finish(state)).job_id)

    @rule(worker=st.sampled_from(WORKERS), crash=st.booleans())
    def an_old_claim_is_kept(self, worker: str, *, crash: bool) -> None:
        """Of a job that the same worker has taken again: it holds the new one alone."""
        held = self._taken(worker, Requeue("x", crash))
        self._turn(worker, len(self.jobs), [])
        self._renew(held)

    @rule(worker=st.sampled_from(WORKERS), wait=st.integers(1, 9))
    def a_second_attempt_is_late(self, worker: str, wait: int) -> None:
        """The deadline is that of the first start."""
        self._taken(worker, Requeue("x", crash=False), expires=5)
        self.now += wait * SECOND
        self._turn(worker, 0, [])

    @rule(data=st.data(), verb=st.sampled_from(["enqueue", "turn", "renew", "rescue", "cancel", "retry"]))
    def a_commit_fails(self, data: st.DataObject, verb: str) -> None:
        """The disk is full at the last moment: the verb says so, and nothing has happened."""
        held = data.draw(st.sampled_from(self.claims)) if self.claims else Claim(1, 1, "w1")
        step = self._step(data.draw(steps))
        with _full_at_commit(self.queue), pytest.raises(StorageFull):
            self._write_something(verb, held, step)

    def _write_something(self, verb: str, held: Claim, step: NextStep) -> None:
        final = [job_id for job_id, model in self.jobs.items() if model.state in FINAL]
        match verb:
            case "enqueue":
                queues.enqueue.enqueue(self.queue, [queues.new_job(self.handler)], now=self.now)
            case "renew":
                claim.renew(self.queue, [held], self.mono + LEASE)
            case "rescue":
                rescue.rescue(self.queue, worker="w9", boot_id="another", mono=self.mono, now=self.now,
                              dead=["w1", "w2"], crash_budget=BUDGET)
            case "cancel" if self.jobs:
                cancel.cancel(self.queue, sorted(self.jobs), now=self.now)
            case "retry" if final:
                retry.retry(self.queue, final[0], self.now)
            case _:
                ending = [queues.ending(held, step, at=self.now, value=9)] if self.jobs else []
                queues.turn(self.queue, "w1", limit=2, now=self.now, mono=self.mono, finished=ending,
                            boot_id=self.boot)

    @rule(wall=st.integers(-20, 40), awake=st.integers(0, 40))
    def time_passes(self, wall: int, awake: int) -> None:
        """The wall clock may jump either way; the monotonic one only grows."""
        self.now += wall * SECOND
        self.mono += awake * 10**9

    @rule()
    def reboot(self) -> None:
        self.boot, self.mono = f"boot{int(self.boot[4:]) + 1}", 10**9

    @invariant()
    def the_database_is_the_model(self) -> None:
        with self.queue.read() as connection:
            rows = connection.execute(
                "SELECT id, state, attempt, epoch, crash_count, worker, max_attempts, run_at, "
                "cancel_requested_at IS NOT NULL AND state = 'running' FROM job").fetchall()
            results = dict(connection.execute("SELECT job_id, epoch FROM result").fetchall())
            values = dict(connection.execute("SELECT job_id, body FROM result").fetchall())
            open_attempts = dict(connection.execute(
                "SELECT job_id, max(epoch) FROM attempt WHERE outcome IS NULL GROUP BY job_id").fetchall())
        found = {row[0]: row[1:] for row in rows}
        assert found == {
            job_id: (m.state, m.attempt, m.epoch, m.crashes, m.worker, m.max_attempts, m.run_at,
                     m.cancelling and m.state is State.RUNNING) for job_id, m in self.jobs.items()}
        assert results == {i: m.result_epoch for i, m in self.jobs.items() if m.result_epoch is not None}
        assert values == {job_id: str(epoch) for job_id, epoch in results.items()}
        assert open_attempts == {i: m.epoch for i, m in self.jobs.items() if m.state is State.RUNNING}
        assert all(m.results_of_run <= 1 for m in self.jobs.values())

    @invariant()
    def epochs_only_grow(self) -> None:
        for job_id, model in self.jobs.items():
            before, state = self.seen.get(job_id, (0, model.state))
            assert model.epoch >= before
            assert not (state in FINAL and model.state is State.RUNNING and model.epoch == before)
            self.seen[job_id] = model.epoch, model.state


@contextlib.contextmanager
def _full_at_commit(queue: Queue) -> Iterator[None]:
    """Each transaction is written and, instead of committed, rolled back as SQLite does it on a full disk."""
    write = queue.write

    @contextlib.contextmanager
    def full(**how: bool) -> Iterator[sqlite3.Connection]:
        with write(**how) as connection:
            yield connection
            error = sqlite3.OperationalError("database or disk is full")
            error.sqlite_errorcode = sqlite3.SQLITE_FULL
            raise error

    with mock.patch.object(queue, "write", full):
        yield


@pytest.fixture
def laws() -> Iterator[type[QueueLaws]]:
    with tempfile.TemporaryDirectory() as place:
        QueueLaws.queue = queues.opened(Path(place), "supervisor")
        QueueLaws.handler = queues.registered(QueueLaws.queue)
        yield QueueLaws
        QueueLaws.queue.close()


def limits(examples: int, steps_each: int) -> hypothesis_settings:
    return hypothesis_settings(max_examples=examples, stateful_step_count=steps_each, deadline=None,
                               database=None, suppress_health_check=list(HealthCheck))


@pytest.mark.row(6, 31, 41, 44)
def test_the_queue_does_what_the_model_does(laws: type[QueueLaws]) -> None:
    """No zombie is accepted, epochs only grow, one result a run at most, states equal the model's."""
    run_state_machine_as_test(laws, settings=limits(100, 30))


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_the_queue_does_what_the_model_does_for_long(laws: type[QueueLaws]) -> None:
    """The same, many more and longer histories."""
    run_state_machine_as_test(laws, settings=limits(2000, 60))


def test_the_laws_notice_a_missing_fence(laws: type[QueueLaws]) -> None:
    """With a condition on the state alone, as other queues have it, a zombie's ending is accepted."""
    fenced = "WHERE id = :id AND epoch = :epoch AND worker = :worker AND state = 'running'"
    unfenced = statements.sql("finish").replace(
        fenced, "WHERE id = :id AND :epoch > 0 AND :worker <> '' AND state = 'running'")
    assert unfenced != statements.sql("finish")

    def loose(name: str) -> str:
        return unfenced if name == "finish" else statements.sql(name)

    with mock.patch.object(finish, "sql", loose), pytest.raises(AssertionError):
        run_state_machine_as_test(laws, settings=hypothesis_settings(
            limits(2000, 30), phases=[Phase.generate], derandomize=True, database=None, print_blob=False,
            report_multiple_bugs=False))


def test_every_move_of_the_queue_is_in_the_picture() -> None:
    """What the verbs do to states is what job.MOVES allows."""
    assert {State.COMPLETED, State.FAILED, State.CANCELLED, State.RETRYING, State.SCHEDULED,
            State.PENDING, State.SKIPPED} == MOVES[State.RUNNING]
    assert all(State.CANCELLED in MOVES[state] for state in WAITING)
    assert all(MOVES[state] == {State.PENDING, State.BLOCKED} for state in FINAL)
