"""Each verb of the queue, on a real database."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import queues
from queues import LEASE, NOW, SECOND

from tether_lab.errors import BadRequest, ClaimLost, JobNotFound, UnknownHandler
from tether_lab.job import Claim, JobOptions, State, Usage
from tether_lab.job_queue import (
    blobs,
    cancel,
    claim,
    handlers,
    outputs,
    read,
    register,
    rescue,
    retry,
    workers,
)
from tether_lab.job_queue.queue import Queue
from tether_lab.job_queue.shares import Shares
from tether_lab.outcome import Finish, Requeue, RetryAt, SnoozeUntil

DAY = 86400 * SECOND


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[Queue]:
    found = queues.opened(tmp_path)
    yield found
    found.close()


def kinds(queue: Queue, job_id: int) -> list[str]:
    return [event.kind for event in read.events(queue, job_id)]


# -- handlers -------------------------------------------------------------------------------------


def test_equal_content_is_one_version_and_the_newest_is_head(queue: Queue) -> None:
    """Registering again reuses the version, moves the head and takes the new defaults."""
    one, two = queues.version(content="1"), queues.version(content="2")
    first, is_new, _ = register.register(
        queue, one, defaults="{}", options="{}", small_blobs={}, large_blobs={})
    assert is_new
    assert first.id > 0
    register.register(queue, two, defaults="{}", options="{}", small_blobs={}, large_blobs={})
    again, is_new, _ = register.register(
        queue, queues.version(content="1"), defaults='{"lr":1}', options='{"priority":3}', small_blobs={},
        large_blobs={}, now=NOW)
    assert not is_new
    assert again == first
    head = handlers.head(queue, "train")
    assert head is not None
    assert (head.head, head.version, head.defaults, head.versions, head.updated_at) == (
        first.id, "1", '{"lr":1}', 2, NOW)
    assert [version.version for version in handlers.versions(queue, "train")] == ["2", "1"]
    assert handlers.version(queue, first.id) == first
    assert [handler.key for handler in handlers.handlers(queue)] == ["train"]
    assert handlers.head(queue, "nobody") is None
    with pytest.raises(UnknownHandler):
        handlers.version(queue, 999)


def test_taking_a_key_from_another_notebook_is_said(queue: Queue) -> None:
    """The notice names the version and the notebook; the same notebook changes its cell in silence."""
    def registered(content: str, notebook: str) -> str | None:
        return register.register(queue, queues.version(content=content, notebook=notebook), defaults="{}",
                                 options="{}", small_blobs={}, large_blobs={})[2]

    assert registered("1", "a.ipynb") is None
    assert registered("2", "a.ipynb") is None
    notice = registered("3", "b.ipynb")
    assert notice is not None
    assert "a.ipynb" in notice
    assert registered("3", "c.ipynb") is None


def test_blobs_come_with_their_version_or_it_is_refused(queue: Queue) -> None:
    """Small ones are rows, large ones have a row; a manifest may not name what nobody stored."""
    small, large, nowhere = "a" * 40, "b" * 40, "c" * 40
    version = queues.version(stream=small, buffers=(large,))
    with pytest.raises(BadRequest, match="not stored"):
        register.register(queue, queues.version(content="x", stream=nowhere), defaults="{}", options="{}",
                          small_blobs={}, large_blobs={})
    assert handlers.handlers(queue) == []
    register.register(queue, version, defaults="{}", options="{}", small_blobs={small: b"bytes"},
                      large_blobs={large: 70000})
    assert handlers.small_blobs(queue, [small, large, nowhere]) == {small: b"bytes"}
    # A second version that holds a known blob need not bring it again.
    register.register(queue, queues.version(content="2", stream=small), defaults="{}", options="{}",
                      small_blobs={}, large_blobs={})


def test_blobs_are_pruned_a_day_after_the_last_reference(queue: Queue) -> None:
    """Versions, results and payloads hold theirs; what nobody holds goes, files are named."""
    names = {what: what.rjust(40, "0") for what in ("version", "result", "payload", "loose", "file")}
    version, *_ = register.register(
        queue, queues.version(stream=names["version"]), defaults="{}", options="{}",
        small_blobs={names["version"]: b"1"}, large_blobs={}, now=NOW)
    (job_id,) = queues.put(queue, version, small_blobs={names["payload"]: b"2"})
    (claimed,) = queues.turn(queue).claimed
    queues.turn(queue, limit=0, finished=[queues.ending(claimed, small_blobs={names["result"]: b"3"})])
    with queue.write() as connection:
        blobs.put(connection, {names["loose"]: b"4"}, {names["file"]: 70000}, NOW)
    assert blobs.prune_blobs(queue, NOW + DAY) == []
    assert blobs.prune_blobs(queue, NOW + DAY + 1) == [names["file"]]
    assert set(blobs.small(queue, names.values())) == {names["version"], names["result"], names["payload"]}
    retry.retry(queue, job_id, NOW)
    (claimed,) = queues.turn(queue).claimed
    queues.turn(queue, limit=0, finished=[queues.ending(claimed)])
    blobs.prune_blobs(queue, NOW + 2 * DAY)
    assert set(blobs.small(queue, names.values())) == {names["version"], names["payload"]}


def test_enqueue_touches_what_its_handler_holds(queue: Queue) -> None:
    """In the same transaction, so that pruning never races a job that needs the blob."""
    name = "d" * 40
    version, *_ = register.register(queue, queues.version(stream=name), defaults="{}", options="{}",
                                    small_blobs={name: b"1"}, large_blobs={}, now=NOW)
    queues.enqueue.enqueue(queue, [queues.new_job(version)], now=NOW + DAY)
    with queue.read() as connection:
        assert connection.execute("SELECT touched_at FROM blob").fetchone() == (NOW + DAY,)


# -- enqueue --------------------------------------------------------------------------------------


def test_enqueue_is_all_or_nothing(queue: Queue) -> None:
    """One bad job among many leaves none behind; ids come in order."""
    handler = queues.registered(queue)
    with pytest.raises(BadRequest, match="does not fit"):
        queues.enqueue.enqueue(queue, [queues.new_job(handler), queues.new_job(handler, handler_id=999)])
    assert read.counts(queue) == {}
    ids = queues.put(queue, handler, 3)
    assert ids == sorted(ids)
    assert queues.enqueue.enqueue(queue, []) == []


def test_what_is_due_is_pending_the_rest_scheduled(queue: Queue) -> None:
    """And the row says everything that was asked for."""
    handler = queues.registered(queue)
    (now,) = queues.put(queue, handler, priority=7, tags=("a", "ü"), description="d", payload='{"x":1}',
                        options='{"isolation":"warm"}', queue="high")
    (later,) = queues.put(queue, handler, run_at=NOW + 1)
    row = read.get(queue, now)
    assert (row.state, row.priority, row.tags, row.description, row.payload, row.queue) == (
        State.PENDING, 7, ("a", "ü"), "d", '{"x":1}', "high")
    assert row.options == JobOptions(isolation="warm", priority=7)
    assert (row.kind, row.handler_version, row.created_at) == ("function", "1", NOW)
    assert read.get(queue, later).state is State.SCHEDULED
    assert read.next_due(queue) == NOW + 1
    assert read.depth(queue) == 1


def test_register_and_enqueue_is_one_transaction(queue: Queue) -> None:
    """A job that does not fit takes its registration with it."""
    job, wrong = queues.new_job(queues.version()), queues.new_job(queues.version(), max_attempts=0)
    with pytest.raises(BadRequest):
        register.register_and_enqueue(queue, queues.version(), [wrong], defaults="{}", options="{}",
                                      small_blobs={}, large_blobs={})
    assert handlers.handlers(queue) == []
    version, is_new, notice, ids = register.register_and_enqueue(
        queue, queues.version(), [job], defaults="{}", options="{}", small_blobs={}, large_blobs={}, now=NOW)
    assert (is_new, notice, read.get(queue, ids[0]).handler_id) == (True, None, version.id)


# -- turns ----------------------------------------------------------------------------------------


def test_claims_go_by_priority_then_due_time_then_id(queue: Queue) -> None:
    """And a claim carries what a runner needs."""
    handler = queues.registered(queue)
    late = queues.put(queue, handler)
    early = queues.put(queue, handler, run_at=NOW - 1)
    first = queues.put(queue, handler, priority=1, payload='{"a":1}')
    found = queues.turn(queue, limit=2).claimed
    assert [job.claim.job_id for job in found] == [*first, *early]
    assert (found[0].payload, found[0].attempt, found[0].claim.epoch) == ('{"a":1}', 1, 1)
    row = read.get(queue, first[0])
    assert (row.state, row.worker, row.attempt, row.epoch) == (State.RUNNING, "w1", 1, 1)
    assert [job.claim.job_id for job in queues.turn(queue, "w2").claimed] == late


def test_named_queues_share_by_weight_and_low_never_starves(queue: Queue) -> None:
    """100 to 10 to 1 to 0.1, within one job, and all places are used."""
    handler = queues.registered(queue)
    for name in ("low", "default", "high", "critical"):
        queues.put(queue, handler, 1200, queue=name)
    found = queues.turn(queue, limit=1111).claimed
    counts = {name: sum(read.get(queue, job.claim.job_id).queue == name for job in found)
              for name in ("critical", "high", "default", "low")}
    assert sum(counts.values()) == 1111
    assert abs(counts["critical"] - 1000) <= 1
    assert abs(counts["high"] - 100) <= 1
    assert abs(counts["default"] - 10) <= 1
    assert counts["low"] in (0, 1, 2)
    rest = queues.turn(queue, limit=4000).claimed
    assert len(rest) == 4800 - 1111


def test_shares_take_turns_smoothly() -> None:
    """Two equal queues alternate over turns of one place."""
    shares = Shares()
    assert [next(n for n, c in shares.of(["a", "b"], 1).items() if c) for _ in range(4)] in (
        ["a", "b", "a", "b"], ["b", "a", "b", "a"])
    assert shares.of(["only"], 5) == {"only": 5}


def test_an_ending_is_written_with_all_that_belongs_to_it(queue: Queue) -> None:
    """State, attempt, usage, events, outputs, result: in the one transaction of the turn."""
    (job_id,) = queues.put(queue, queues.registered(queue))
    (job,) = queues.turn(queue).claimed
    outputs.append(queue, job.claim, [], started=(4711, NOW + 5))
    usage = Usage(cpu_seconds=0.25, peak_bytes=10**9, exit_code=0, pid=4711)
    turn = queues.turn(queue, limit=0, finished=[queues.ending(
        job, at=NOW + 9, usage=usage, outputs=[(0, '{"k":"stream"}')], detail='{"n":1}')])
    assert (turn.claimed, turn.lost) == ([], [])
    row = read.get(queue, job_id)
    assert (row.state, row.finished_at, row.worker, row.error) == (State.COMPLETED, NOW + 9, None, None)
    (attempt,) = read.attempts(queue, job_id)
    assert (attempt.outcome, attempt.started_at, attempt.finished_at, attempt.usage) == (
        "succeeded", NOW + 5, NOW + 9, usage)
    events = read.events(queue, job_id)
    assert [(event.kind, event.detail) for event in events] == [("started", {}), ("succeeded", {"n": 1})]
    assert read.events(queue, job_id, after=events[0].id) == events[1:]
    assert outputs.read(queue, job_id) == [(0, 1, '{"k":"stream"}')]
    result = read.result(queue, job_id)
    assert result is not None
    assert (result.body, result.job_uuid, result.epoch) == ("1", row.uuid, 1)


@pytest.mark.parametrize(("step", "state", "attempt", "crashes", "error"), [
    (Finish(State.FAILED, "ValueError: x"), State.FAILED, 1, 0, "ValueError: x"),
    (RetryAt(NOW + SECOND, "E: y"), State.RETRYING, 1, 0, "E: y"),
    (SnoozeUntil(NOW + SECOND), State.SCHEDULED, 0, 0, None),
    (Requeue("the worker stopped"), State.PENDING, 0, 0, None),
    (Requeue("exit code 7", crash=True), State.PENDING, 0, 1, "exit code 7"),
])
def test_each_step_moves_the_job(
    queue: Queue, step: object, state: State, attempt: int, crashes: int, error: str | None,
) -> None:
    """What burns an attempt, what counts as a crash, what error is shown."""
    (job_id,) = queues.put(queue, queues.registered(queue))
    (job,) = queues.turn(queue).claimed
    queues.turn(queue, limit=0, finished=[queues.ending(job, step)])  # type: ignore[arg-type]
    row = read.get(queue, job_id)
    assert (row.state, row.attempt, row.crash_count, row.error) == (state, attempt, crashes, error)
    assert read.result(queue, job_id) is None
    if state in (State.RETRYING, State.SCHEDULED):
        assert read.next_due(queue) == NOW + SECOND
        assert queues.turn(queue, now=NOW + SECOND - 1).claimed == []
        assert len(queues.turn(queue, now=NOW + SECOND).claimed) == 1


def test_a_retry_without_delay_runs_again_in_the_same_turn(queue: Queue) -> None:
    """Endings are recorded before claims are made."""
    queues.put(queue, queues.registered(queue))
    (job,) = queues.turn(queue).claimed
    (again,) = queues.turn(queue, finished=[queues.ending(job, RetryAt(NOW, "x"))]).claimed
    assert (again.claim.epoch, again.attempt) == (2, 2)


def test_a_lost_claim_writes_nothing(queue: Queue) -> None:
    """Ending, output, renewal, start: each refused; the history says fenced."""
    (job_id,) = queues.put(queue, queues.registered(queue))
    (old,) = queues.turn(queue).claimed
    rescue.rescue(queue, worker="w2", boot_id=queue.boot_id, mono=0, now=NOW, dead=["w1"], crash_budget=3)
    (new,) = queues.turn(queue, "w2").claimed
    assert new.claim == Claim(job_id, 3, "w2")
    assert claim.renew(queue, [old.claim, new.claim], LEASE) == [old.claim]
    for refused in (lambda: outputs.append(queue, old.claim, [], started=(1, NOW)),
                    lambda: outputs.append(queue, old.claim, [(0, "{}")], "{}"),
                    lambda: outputs.append(queue, old.claim, [(0, "{}")], replace=True)):
        with pytest.raises(ClaimLost):
            refused()
    late = queues.turn(queue, limit=0, finished=[queues.ending(old, value="zombie"),
                                                 queues.ending(new, value="ok")])
    assert late.lost == [old.claim]
    result = read.result(queue, job_id)
    assert result is not None
    assert result.body == '"ok"'
    assert outputs.read(queue, job_id) == []
    assert kinds(queue, job_id) == ["started", "lost", "rescued", "started", "fenced", "succeeded"]


@pytest.mark.row(28)
def test_texts_that_utf8_cannot_say_fail_no_ending(queue: Queue) -> None:
    """A lone surrogate in a traceback is spelled out; the others of the turn are not held up."""
    (job_id,) = queues.put(queue, queues.registered(queue))
    (job,) = queues.turn(queue).claimed
    queues.turn(queue, limit=0, finished=[queues.ending(
        job, Finish(State.FAILED, "bad \ud800"), error="bad \ud800", traceback="\udfff é",
        outputs=[(0, '"\ud800"')])])
    assert read.get(queue, job_id).error == "bad \\ud800"
    assert read.attempts(queue, job_id)[0].traceback == "\\udfff é"


def test_what_does_not_start_in_time_expires(queue: Queue) -> None:
    """Pending and scheduled ones; one that has started once keeps its chance."""
    handler = queues.registered(queue)
    (begun,) = queues.put(queue, handler, expires_at=NOW + 5)
    (job,) = queues.turn(queue).claimed
    waiting = queues.put(queue, handler, 2, expires_at=NOW + 5)
    queues.put(queue, handler, run_at=NOW + 10 * SECOND)
    assert read.next_due(queue) == NOW + 5
    turn = queues.turn(queue, now=NOW + 5, finished=[queues.ending(job, RetryAt(NOW, "x"))])
    assert [found.claim.job_id for found in turn.claimed] == [begun]
    assert {read.get(queue, each).state for each in waiting} == {State.EXPIRED}
    assert kinds(queue, waiting[0]) == ["expired"]


@pytest.mark.row(41)
def test_a_clock_set_back_stops_nothing_that_was_due(queue: Queue) -> None:
    """A pending job is due, whatever the clock says later."""
    queues.put(queue, queues.registered(queue))
    assert len(queues.turn(queue, now=NOW - 3600 * SECOND).claimed) == 1


def test_a_turn_that_fails_can_be_repeated(queue: Queue) -> None:
    """Nothing of it happened: the same endings are accepted afterwards."""
    (job_id,) = queues.put(queue, queues.registered(queue))
    (job,) = queues.turn(queue).claimed
    broken = queues.ending(job, small_blobs={"a" * 40: 5})
    with pytest.raises(TypeError):
        queues.turn(queue, finished=[broken])
    assert read.get(queue, job_id).state is State.RUNNING
    assert queues.turn(queue, finished=[queues.ending(job)]).lost == []


# -- outputs --------------------------------------------------------------------------------------


def test_outputs_come_in_order_and_may_be_rewritten(queue: Queue) -> None:
    """The tail moves; reading after a number gives what is new; progress and events come along."""
    (job_id,) = queues.put(queue, queues.registered(queue))
    (job,) = queues.turn(queue).claimed
    outputs.append(queue, job.claim, [(0, "a"), (1, "b")], '{"fraction":0.5}', [("warning", '{"text":"!"}')])
    outputs.append(queue, job.claim, [(1, "B"), (2, "c")])
    assert outputs.read(queue, job_id) == [(0, 1, "a"), (1, 1, "B"), (2, 1, "c")]
    assert outputs.read(queue, job_id, after=1) == [(2, 1, "c")]
    assert read.get(queue, job_id).progress == '{"fraction":0.5}'
    assert kinds(queue, job_id) == ["started", "warning"]
    outputs.append(queue, job.claim, [(0, "all")], replace=True)
    assert outputs.read(queue, job_id) == [(0, 1, "all")]


def test_outputs_without_an_epoch_are_the_latest_attempts(queue: Queue) -> None:
    """A rescue is no attempt: what the dead worker wrote shows until the next one runs."""
    (job_id,) = queues.put(queue, queues.registered(queue))
    (job,) = queues.turn(queue).claimed
    outputs.append(queue, job.claim, [(0, "first")])
    rescue.rescue(queue, worker="w2", boot_id="other", mono=0, now=NOW, dead=[], crash_budget=3)
    assert outputs.read(queue, job_id) == [(0, 1, "first")]
    (again,) = queues.turn(queue).claimed
    assert outputs.read(queue, job_id) == []
    assert outputs.read(queue, job_id, epoch=1) == [(0, 1, "first")]
    outputs.append(queue, again.claim, [(0, "second")])
    assert outputs.read(queue, job_id) == [(0, 3, "second")]


# -- rescue ---------------------------------------------------------------------------------------


@pytest.mark.row(44)
def test_rescue_takes_from_the_dead_the_hanging_and_the_last_boot(queue: Queue) -> None:
    """Not from the living, not from the asker; the crash budget buries, a cancel ends."""
    handler = queues.registered(queue)
    ids = queues.put(queue, handler, 4)
    for worker in ("dead", "hangs", "lives", "me"):
        queues.turn(queue, worker, limit=1, mono=0 if worker == "hangs" else 10 * LEASE)
    cancel.cancel(queue, [ids[0]], now=NOW)
    found = rescue.rescue(queue, worker="me", boot_id=queue.boot_id, mono=2 * LEASE, now=NOW, dead=["dead"],
                          crash_budget=1)
    assert found == [(ids[0], 2, "cancelled"), (ids[1], 2, "failed")]
    assert "crash loop" in (read.get(queue, ids[1]).error or "")
    assert read.attempts(queue, ids[1])[0].outcome == "lost"
    found = rescue.rescue(queue, worker="me", boot_id="after a reboot", mono=0, now=NOW, dead=[],
                          crash_budget=3)
    assert found == [(ids[2], 2, "pending")]
    assert read.get(queue, ids[3]).state is State.RUNNING


# -- cancel and retry -----------------------------------------------------------------------------


def test_cancel_ends_what_waits_and_asks_what_runs(queue: Queue) -> None:
    """Counts by prior state, one answer for every way to choose."""
    handler = queues.registered(queue)
    (running,) = queues.put(queue, handler, tags=["t"])
    (job,) = queues.turn(queue).claimed
    waiting = queues.put(queue, handler, 2, tags=["t"])
    (scheduled,) = queues.put(queue, handler, run_at=NOW + SECOND, queue="low")
    assert cancel.cancel(queue, tag="t", now=NOW) == {State.RUNNING: 1, State.PENDING: 2}
    assert cancel.requests(queue, "w1") == queues.turn(queue, limit=0).cancelling == [(job.claim, False)]
    assert cancel.requests(queue, "w2") == []
    assert read.get(queue, running).state is State.RUNNING
    assert {read.get(queue, each).state for each in waiting} == {State.CANCELLED}
    assert cancel.cancel(queue, [running, waiting[0]], force=True, now=NOW + 1) == {
        State.RUNNING: 1, State.CANCELLED: 1}
    assert cancel.requests(queue, "w1") == [(job.claim, True)]
    assert read.get(queue, running).cancel_requested_at == NOW
    assert kinds(queue, running) == ["started", "cancel_requested", "cancel_requested"]
    assert cancel.cancel(queue, in_queue="low") == {State.SCHEDULED: 1}
    assert cancel.cancel(queue, key="nobody") == {}
    assert cancel.cancel(queue, everything=True) == {State.RUNNING: 1}
    assert read.get(queue, scheduled).state is State.CANCELLED


def test_a_cancel_that_comes_between_wins_over_failures_not_over_success(queue: Queue) -> None:
    """Also if the worker had not seen it when it decided."""
    handler = queues.registered(queue)
    ids = queues.put(queue, handler, 3)
    jobs = queues.turn(queue).claimed
    cancel.cancel(queue, ids, now=NOW)
    queues.turn(queue, finished=[
        queues.ending(jobs[0], RetryAt(NOW, "x")), queues.ending(jobs[1], Finish(State.FAILED, "x")),
        queues.ending(jobs[2])])
    assert [read.get(queue, each).state for each in ids] == [State.CANCELLED, State.CANCELLED, State.COMPLETED]
    assert kinds(queue, ids[0]) == ["started", "cancel_requested", "failed", "cancelled"]


def test_cancel_refuses_what_it_cannot_mean(queue: Queue) -> None:
    """No selector, two of them, or an id that is not there: nothing happens."""
    (known,) = queues.put(queue, queues.registered(queue))
    with pytest.raises(BadRequest):
        cancel.cancel(queue)
    with pytest.raises(BadRequest):
        cancel.cancel(queue, [known], everything=True)
    with pytest.raises(JobNotFound, match="no job 99"):
        cancel.cancel(queue, [known, 99])
    assert read.get(queue, known).state is State.PENDING


def test_retry_brings_back_any_final_job_with_its_history(queue: Queue) -> None:
    """At least one attempt more; the old result stays until a newer one is accepted, and is fenced."""
    (job_id,) = queues.put(queue, queues.registered(queue), max_attempts=1, expires_at=NOW + 1)
    (first,) = queues.turn(queue).claimed
    queues.turn(queue, finished=[queues.ending(first, value="old")])
    row = retry.retry(queue, job_id, NOW + DAY)
    assert (row.state, row.max_attempts, row.run_at, row.finished_at, row.attempt) == (
        State.PENDING, 2, NOW + DAY, None, 1)
    with pytest.raises(BadRequest, match="is pending"):
        retry.retry(queue, job_id)
    (second,) = queues.turn(queue, now=NOW + DAY).claimed
    queues.turn(queue, finished=[queues.ending(second, Finish(State.FAILED, "E: x"))])
    result = read.result(queue, job_id)
    assert result is not None
    assert result.body == '"old"'
    retry.retry(queue, job_id, NOW + DAY)
    (third,) = queues.turn(queue, now=NOW + DAY).claimed
    turn = queues.turn(queue, finished=[queues.ending(first, value="zombie"),
                                        queues.ending(third, value="new")])
    assert turn.lost == [first.claim]
    result = read.result(queue, job_id)
    assert result is not None
    assert (result.body, result.epoch) == ('"new"', 3)
    assert kinds(queue, job_id).count("retried") == 2
    assert [attempt.attempt for attempt in read.attempts(queue, job_id)] == [1, 2, 3]
    with pytest.raises(JobNotFound):
        retry.retry(queue, 999)


def test_retry_with_other_code_needs_its_signature(queue: Queue) -> None:
    """The job's signature covers the version, so the queue cannot change it alone."""
    (job_id,) = queues.put(queue, queues.registered(queue))
    other = queues.registered(queue, content="2")
    cancel.cancel(queue, [job_id], now=NOW)
    with pytest.raises(BadRequest, match="signature"):
        retry.retry(queue, job_id, NOW, other.id)
    row = retry.retry(queue, job_id, NOW, other.id, key_id="k9", mac=b"new")
    assert (row.handler_id, row.handler_version) == (other.id, "2")
    (job,) = queues.turn(queue).claimed
    assert (job.key_id, job.mac) == ("k9", b"new")


# -- reading --------------------------------------------------------------------------------------


def test_jobs_are_listed_by_what_is_asked_for(queue: Queue) -> None:
    """State, key, tag, queue, age, page, order."""
    train, score = queues.registered(queue), queues.registered(queue, "score")
    a = queues.put(queue, train, 3, tags=["x"])
    b = queues.put(queue, score, 2, queue="low")
    queues.turn(queue, limit=1)

    def ids(**filters: object) -> list[int]:
        return [row.id for row in read.jobs(queue, **filters)]  # type: ignore[arg-type]

    assert ids() == [*reversed(b), *reversed(a)]
    assert ids(order="oldest", limit=2, offset=1) == [*a[1:]]
    assert ids(key="score") == [*reversed(b)] == ids(in_queue="low")
    assert ids(tag="x", states={State.RUNNING, State.PENDING}) == [*reversed(a)]
    assert len(ids(states={State.RUNNING})) == 1
    assert ids(since=NOW + 1) == []
    assert read.counts(queue) == {State.PENDING: 4, State.RUNNING: 1}
    with pytest.raises(BadRequest, match="newest"):
        ids(order="sideways")
    with pytest.raises(BadRequest):
        ids(limit=-1)
    with pytest.raises(JobNotFound):
        read.get(queue, 99)
    assert read.result(queue, 99) is None


def test_a_completed_job_of_the_same_code_and_payload_is_found(queue: Queue) -> None:
    """For --cache: the newest one that is young enough."""
    handler = queues.registered(queue)
    (job_id,) = queues.put(queue, handler, payload='{"x":1}')
    assert read.cached(queue, handler.id, '{"x":1}') is None
    (job,) = queues.turn(queue).claimed
    queues.turn(queue, finished=[queues.ending(job)])
    assert read.cached(queue, handler.id, '{"x":1}') == job_id
    assert read.cached(queue, handler.id, '{"x":2}') is None
    assert read.cached(queue, handler.id, '{"x":1}', since=NOW + 1) is None


def test_workers_are_remembered_until_nothing_needs_their_name(queue: Queue) -> None:
    """Beats, marks, and a month after the end: gone, unless a running job still names them."""
    queues.put(queue, queues.registered(queue))
    queues.turn(queue, "old")

    def register_worker(name: str, now: int) -> None:
        workers.register(queue, id=name, pid=1, boot_id="b", host="h", version="1", runners=2, now=now)

    for name in ("old", "idle"):
        register_worker(name, NOW)
        workers.mark(queue, name, "dead", NOW)
    register_worker("new", NOW + 31 * DAY)
    workers.beat(queue, "new", NOW + 31 * DAY + 1, json.dumps({"jobs": 1}))
    found = {row.id: row for row in workers.list(queue)}
    assert set(found) == {"old", "new"}
    assert (found["new"].beat_at, found["new"].state, found["new"].detail) == (
        NOW + 31 * DAY + 1, "running", '{"jobs": 1}')
    assert found["old"].state == "dead"
