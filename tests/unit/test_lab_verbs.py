"""The verbs of a lab on a real queue, without a worker."""

from __future__ import annotations

import asyncio
import datetime as dt
import pickle
import threading
from pathlib import Path
from typing import Any

import pytest

from tether_lab import (
    BadRequest,
    Job,
    JobNotFound,
    JobWasCancelled,
    Lab,
    OptionError,
    QueueError,
    RetryPolicy,
    State,
    UnknownHandler,
    WaitTimeout,
)
from tether_lab.lab import clock


def work(x: int = 0) -> int:
    return x


@pytest.fixture
def lab() -> Lab:
    lab = Lab(autostart=False)
    lab.register(work)
    return lab


def test_an_unknown_key_names_those_that_exist(lab: Lab) -> None:
    """The error offers the nearest key and lists the others; nothing is written."""
    lab.register(work, "train")
    with pytest.raises(UnknownHandler, match="did you mean 'train'") as caught:
        lab.enqueue("trian")
    assert "train, work" in caught.value.remedy
    assert lab.counts() == {}


@pytest.mark.parametrize("key", ["", "a b", "a/b", "-x", "x" * 201, 7, "a\n"])
def test_a_key_that_is_none_is_refused(lab: Lab, key: Any) -> None:
    """Keys stand on command lines and in file names, so they are plain."""
    with pytest.raises(BadRequest):
        lab.register(work, key) if key else lab.enqueue(key)


@pytest.mark.row(42)
@pytest.mark.parametrize(("options", "name"), [
    ({"retires": 3}, "retires"), ({"priority": "high"}, "priority"), ({"delay": -1}, "delay"),
    ({"timeout": 0}, "timeout"), ({"delay": 1, "at": "2030-01-01"}, "at"), ({"isolation": "hot"}, "isolation"),
    ({"retries": -1}, "retries"), ({"max_attempts": 0}, "max_attempts"), ({"meta": "[1]"}, "meta"),
])
def test_a_wrong_option_is_refused(lab: Lab, options: dict[str, Any], name: str) -> None:
    """At enqueue and in the decorator alike; nothing is written."""
    with pytest.raises(BadRequest, match=name):
        lab.enqueue("work", **options)
    with pytest.raises(BadRequest, match=name):
        lab.handler("other", **options)
    assert lab.counts() == {}
    assert not lab.is_registered("other")


def test_options_reach_the_row(lab: Lab) -> None:
    """Each option stands where the queue and the card look for it."""
    job = lab.enqueue("work", {"x": 1}, priority=7, queue="low", delay="1h", expires="2h", retries=4,
                      timeout="4m/5m", tags="a,b", description="nightly", meta={"a": 1}, keep="m,n")
    row = job.row
    assert (row.state, row.priority, row.queue, row.max_attempts) == ("scheduled", 7, "low", 5)
    assert (row.tags, row.description) == (("a", "b"), "nightly")
    assert 3590 < (row.run_at - clock.now()) / 1e6 <= 3600
    assert row.options.timeout is not None
    assert (row.options.timeout.hard, row.options.keep, row.options.meta) == (300, ("m", "n"), {"a": 1})
    assert lab.enqueue("work", at=dt.datetime(2020, 1, 1, tzinfo=dt.UTC)).status == "pending"


def test_the_number_of_attempts_follows_who_says_it() -> None:
    """Functions try three times, cells once; a policy, a handler and a job each beat the one before."""
    lab = Lab(autostart=False)
    lab.register(work, "plain")
    lab.register(work, "two", retries=1)
    lab.register(work, "policy", retry=RetryPolicy.fixed(1, 7))
    assert lab.enqueue("plain").row.max_attempts == 3
    assert lab.enqueue("two").row.max_attempts == 2
    assert lab.enqueue("policy").row.max_attempts == 7
    assert lab.enqueue("policy", max_attempts=4).row.max_attempts == 4
    assert lab.enqueue("two", retry=RetryPolicy.fixed(1, 9)).row.max_attempts == 9
    assert lab.enqueue_command(["true"]).row.max_attempts == 1


def test_many_enter_in_order_and_in_one_go(lab: Lab) -> None:
    """``enqueue_many`` gives jobs in the order of their payloads; nothing for nothing."""
    jobs = lab.enqueue_many("work", ({"x": n} for n in range(50)), tags="sweep")
    assert [job.payload["x"] for job in jobs] == list(range(50))
    assert [job.id for job in jobs] == sorted(job.id for job in jobs)
    assert lab.enqueue_many("work", []) == []


def test_jobs_are_filtered_ordered_and_paged(lab: Lab) -> None:
    """Status words and groups, key, tag, since, limit, offset, order; mistakes are told."""
    lab.register(work, "other")
    first = lab.enqueue("work", tags="a")
    lab.enqueue_many("other", [{}, {}, {}])
    lab.cancel(first)
    assert [job.id for job in lab.jobs()] == [4, 3, 2, 1]
    assert [job.id for job in lab.jobs(order="oldest", limit=2, offset=1)] == [2, 3]
    assert [job.id for job in lab.jobs("Waiting")] == [4, 3, 2]
    assert [job.id for job in lab.jobs(["cancelled", State.FAILED])] == [1]
    assert [job.id for job in lab.jobs(key="other", since="1h", limit=None)] == [4, 3, 2]
    assert lab.jobs(tag="a") == [first]
    assert lab.jobs(tag="b") == []
    assert lab.jobs(since=dt.datetime(2100, 1, 1, tzinfo=dt.UTC)) == []
    assert "other" in repr(lab.jobs())
    for wrong in ({"status": "sleeping"}, {"order": "random"}, {"limit": -1}, {"since": "yesterday"}):
        with pytest.raises(BadRequest):
            lab.jobs(**wrong)  # type: ignore[arg-type]


def test_jobs_are_found_by_queue_chain_batch_and_text(lab: Lab) -> None:
    """All filters at once too, and in ``watch_jobs``; a group that does not exist is told."""
    lab.register(work, "other")
    batch = lab.batch("names", [{}, {}], "work", queue="low")
    chain = lab.chain("two").then("work").then("other").enqueue()
    alone = lab.enqueue("other", description="100 % of Ada's_rows")
    assert [job.id for job in lab.jobs(queue="low")] == [job.id for job in lab.jobs(batch=batch)] == [2, 1]
    assert lab.jobs(batch=batch.id) == lab.jobs(batch=batch)
    assert [job.id for job in lab.jobs(chain=chain)] == [job.id for job in lab.jobs(chain=chain.id)] == [4, 3]
    assert [job.id for job in lab.jobs("waiting", chain=chain, key="other")] == [4]
    assert lab.jobs(chain=chain, batch=batch) == lab.jobs(queue="none") == []
    assert lab.jobs(search="ada's_R") == lab.jobs(search="100 %") == [alone]
    assert lab.jobs(search="1%of") == []
    assert {job.id for job in lab.jobs(search="oth")} == {4, alone.id}
    with lab.watch_jobs(batch=batch, order="oldest") as seen:
        assert [row.id for row in next(iter(seen))] == [1, 2]
    for missing in ({"chain": 99}, {"batch": 99}):
        with pytest.raises(JobNotFound, match="99"):
            lab.jobs(**missing)  # type: ignore[arg-type]
    for wrong in ({"chain": batch}, {"batch": "1"}, {"chain": True}, {"batch": alone}, {"search": 7},
                  {"queue": 1}):
        with pytest.raises(BadRequest):
            lab.jobs(**wrong)  # type: ignore[arg-type]


def test_cancel_counts_by_prior_status(lab: Lab) -> None:
    """By id, several, key, tag or all; final jobs stay; one way at a time."""
    one, two, three = lab.enqueue_many("work", [{}, {}, {}])
    later = lab.enqueue("work", delay="1h", tags="late")
    assert lab.cancel(one) == {State.PENDING: 1}
    assert lab.cancel(one) == {State.CANCELLED: 1}
    assert lab.cancel([two.id, three]) == {State.PENDING: 2}
    assert lab.cancel(tag="late") == {State.SCHEDULED: 1}
    assert later.status == "cancelled"
    assert lab.cancel(all=True) == {}
    for wrong in ({}, {"key": "work", "all": True}):
        with pytest.raises(BadRequest):
            lab.cancel(**wrong)  # type: ignore[arg-type]
    with pytest.raises(JobNotFound):
        lab.cancel(99)


def test_retry_leaves_final_states_only(lab: Lab) -> None:
    """A waiting job is refused; a cancelled one waits again, with the newest code if asked."""
    job = lab.enqueue("work", {"x": 3})
    with pytest.raises(BadRequest, match="only jobs that ended"):
        job.retry()
    job.cancel()
    assert job.retry() == job
    assert job.status == "pending"
    job.cancel()
    before = job.row.handler_version
    lab.register(lambda x=0: -x, "work")
    assert job.retry().row.handler_version == before
    job.cancel()
    row = job.retry(with_code=True).row
    assert row.handler_version != before
    assert row.payload == '{"x":3}'


def test_an_unknown_id_is_told(lab: Lab) -> None:
    """Whatever is asked of it."""
    for ask in (lab.get, lab.watch, lab.retry):
        with pytest.raises(JobNotFound, match="no job 12"):
            ask(12)


def test_a_job_is_its_id_and_lab(lab: Lab) -> None:
    """Equal, hashable, an int, and itself again after a pickle."""
    job = lab.enqueue("work")
    assert lab.get(int(job)) == job == lab.get(job)
    assert len({job, lab.get(job.id)}) == 1
    assert job != lab.enqueue("work")
    again = pickle.loads(pickle.dumps(job))
    assert (again, again.status) == (job, "pending")
    assert repr(job) == "<Job 1 work: pending>"
    assert repr(Job(lab, 99)).startswith("<Job 99: there is no job 99")


def test_result_of_a_job_that_never_ran(lab: Lab) -> None:
    """A cancelled job raises, a waiting one times out and says that nobody works."""
    job = lab.enqueue("work")
    with pytest.raises(WaitTimeout, match="still pending") as caught:
        job.result(timeout=0.05)
    assert "No worker runs" in caught.value.remedy
    job.cancel()
    with pytest.raises(JobWasCancelled, match="was cancelled") as ended:
        job.result()
    assert ended.value.job_id == job.id


def test_a_watch_yields_the_present_then_each_change(lab: Lab) -> None:
    """Pushed by changes of the queue, ended by the final state."""
    job = lab.enqueue("work")
    watch = job.watch()
    assert next(watch).state == "pending"
    threading.Timer(0.05, job.cancel).start()
    assert [row.state for row in watch] == ["cancelled"]
    assert next(iter(job.watch())).state == "cancelled"


def test_a_watch_of_jobs_yields_whole_lists(lab: Lab) -> None:
    """A new list after each change, until one stops asking."""
    with lab.watch_jobs(key="work", limit=2) as watch:
        assert next(watch) == []
        threading.Timer(0.05, lab.enqueue, ["work"]).start()
        assert [row.state for row in next(watch)] == ["pending"]


async def test_the_same_watch_on_an_event_loop(lab: Lab) -> None:
    """``async for`` sees what ``for`` sees, without blocking the loop."""
    job = lab.enqueue("work")
    seen = []
    async for row in job.watch():
        seen.append(row.state.value)
        if not row.is_final:
            await asyncio.to_thread(job.cancel)
    assert seen == ["pending", "cancelled"]
    with pytest.raises(JobWasCancelled):
        await job
    with pytest.raises(WaitTimeout):
        await lab.enqueue("work").wait_async(0.05)
    async for rows in lab.watch_jobs("waiting"):
        assert [row.id for row in rows] == [2]
        break


def test_stats_count_states_and_groups(lab: Lab) -> None:
    """Every state has a number, groups sum them up."""
    lab.enqueue_many("work", [{}, {}])
    lab.enqueue("work", delay="1h").cancel()
    found = lab.stats()
    assert (found["pending"], found["cancelled"], found["waiting"], found["final"]) == (2, 1, 2, 1)
    assert (found.total, found.handlers, found.worker) == (3, 1, "stopped")


def test_a_lab_that_is_loose_or_no_folder_is_refused(tmp_path: Path) -> None:
    """The first mistake of a place shows when the lab is opened."""
    (tmp_path / "open").mkdir(mode=0o755)
    (tmp_path / "file").touch()
    for place in ("open", "file"):
        with pytest.raises((QueueError, OSError)) as caught:
            Lab(tmp_path / place)
        assert str(tmp_path / place) in str(caught.value)
    with pytest.raises(OptionError, match="runners") as wrong:
        Lab(tmp_path / "new", runners=0)
    assert wrong.value.remedy
    assert not (tmp_path / "new").exists()


def test_a_closed_lab_opens_again(lab: Lab) -> None:
    """Close lets go of the files; the next verb takes them up again."""
    lab.enqueue("work")
    lab.close()
    assert len(lab.jobs()) == 1


def test_what_is_refused_shows_the_callers_line_and_none_of_ours(lab: Lab) -> None:
    """An error raised on purpose comes with the frames of the caller and of the door alone."""
    with pytest.raises(UnknownHandler) as refused:
        lab.enqueue("nope")
    assert [entry.path.name for entry in refused.traceback] == ["test_lab_verbs.py", "door.py"]


def test_the_first_event_says_how_a_job_was_asked_for(lab: Lab) -> None:
    """``enqueued`` stands first in job.events, with every option that was given."""
    job = lab.enqueue("work", {"x": 1}, priority=5, timeout="quick", retry="fixed:30s", tags=["a"],
                      expires="1h", description="why", memory="1GB")
    first = job.events[0]
    assert (first.kind, first.at) == ("enqueued", job.row.created_at)
    assert first.detail["priority"] == 5
    assert first.detail["timeout"] == {"soft": 45.0, "hard": 60.0, "catch": False, "total": None}
    assert first.detail["retry"]["kind"] == "fixed"
    assert {"tags", "expires", "description", "memory", "max_attempts", "queue"} <= set(first.detail)
