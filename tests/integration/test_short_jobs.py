"""Short jobs are claimed before a place is free: handed to warm processes several at a time, or standing by
for the next process of their own. Each stays a job of its own all the same."""

from __future__ import annotations

import json
import signal
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from eventually import eventually
from faults.bench import Bench

from tether_lab.job import HandlerVersion, JobRow, State, Timeout
from tether_lab.job_queue import cancel, outputs, read

CODE = """
def f(i=0, does=""):
    import os, signal, sys, time
    if does == "say":
        print("out", i)
        os.write(1, b"raw %d\\n" % i)
        sys.stderr.write(f"err {i}\\n")
    elif does == "sleep":
        time.sleep(30)
    elif does.startswith("/"):
        while not os.path.exists(does):
            time.sleep(0.01)
    elif does == "die":
        time.sleep(0.002)
        os.kill(os.getpid(), signal.SIGKILL)
    elif does == "leave":
        os.environ["LEFT"] = str(i)
    return i
"""
PARAMETERS = {"i": False, "does": False}


ISOLATION = ("warm", "clean")


class Short(Bench):
    """Its jobs run in warm processes, or each in one of its own."""

    isolation = "warm"


@pytest.fixture(params=ISOLATION)
def bench(home: Path, request: pytest.FixtureRequest) -> Iterator[Short]:
    made = Short(home / "lab", cancel_grace=2.0)
    made.isolation = request.param
    yield made
    made.close()


def enqueued(bench: Short, version: HandlerVersion, does: list[str], **options: object) -> list[int]:
    """A job for each word, in one transaction; their ids."""
    return bench.enqueue("", [{"i": n, "does": word} for n, word in enumerate(does)], version=version,
                         isolation=bench.isolation, **options)


def short(bench: Short, **options: object) -> HandlerVersion:
    """A handler whose jobs the worker knows to be short."""
    if not bench.workers:
        bench.worker()
    version = bench.function(CODE, "f", **PARAMETERS)
    finish(bench, enqueued(bench, version, [""] * 60, **options))
    return version


def finish(bench: Short, jobs: list[int], within: float = 40.0) -> None:
    eventually(lambda: all(row.is_final for row in rows(bench, jobs)), within=within,
               say=f"the end of all jobs\n{bench.log()}")


def rows(bench: Short, jobs: list[int]) -> list[JobRow]:
    wanted = set(jobs)
    return [row for row in read.jobs(bench.queue, limit=10_000) if row.id in wanted]


def assert_unharmed(bench: Short, jobs: list[int]) -> None:
    """One attempt each, nothing burnt, the right result."""
    for n, job in enumerate(jobs):
        row = bench.job(job)
        assert (row.state, row.attempt, row.crash_count) == (State.COMPLETED, 1, 0), bench.events(job)
        kinds = Counter(event.kind for event in bench.events(job))
        assert kinds["started"] == kinds["succeeded"] == 1, kinds
        assert len(bench.attempts(job)) == 1
        assert bench.result(job) == json.loads(row.payload)["i"], n


def test_each_job_has_its_own_result_output_and_times(bench: Short) -> None:
    """Also what C code writes around Python's streams stays with the job that wrote it."""
    version = short(bench)
    jobs = enqueued(bench, version, ["say", ""] * 40)
    finish(bench, jobs)
    assert_unharmed(bench, jobs)
    for n, job in enumerate(jobs):
        text = "".join(json.loads(body)["text"] for _, _, body in outputs.read(bench.queue, job))
        assert Counter(text.split()) == Counter(f"out {n} raw {n} err {n}".split() if n % 2 == 0 else ())
        (attempt,) = bench.attempts(job)
        assert attempt.finished_at is not None
        assert attempt.started_at <= attempt.finished_at < attempt.started_at + 2_000_000


def test_behind_a_long_job_nothing_waits_that_another_process_could_take(bench: Short) -> None:
    """A job that was taken for a short one sleeps: those behind it end long before it does."""
    version = short(bench)
    begun = time.monotonic()
    long, *others = enqueued(bench, version, ["sleep", *[""] * 60])
    finish(bench, others, within=15)
    assert time.monotonic() - begun < 15
    assert bench.job(long).state is State.RUNNING
    assert_unharmed(bench, others)
    cancel.cancel(bench.queue, [long], force=True)


def untouched(bench: Short, job: int) -> bool:
    """Whether a job stands as if nobody had ever claimed it."""
    row = bench.job(job)
    return (row.state is State.PENDING
            and (row.attempt, row.waits_for, row.started_at, row.worker) == (0, None, None, None)
            and not bench.attempts(job) and not bench.events(job))


def test_what_no_process_can_take_waits_as_if_nobody_had_claimed_it(bench: Short) -> None:
    """Every place is taken by a long job: the others are pending, untouched, and can be overtaken."""
    version, go = short(bench), bench.path("go")
    jobs = enqueued(bench, version, [str(go), str(go), *[""] * 50])
    eventually(lambda: all(bench.attempts(job) for job in jobs[:2]), within=20, say="two long jobs")
    eventually(lambda: all(untouched(bench, job) for job in jobs[2:]), within=20,
               say=f"fifty jobs that nobody has claimed\n{bench.log()}")
    assert {bench.job(job).state for job in jobs[:2]} == {State.RUNNING}
    go.touch()
    finish(bench, jobs)
    assert_unharmed(bench, jobs)


def test_a_crash_blames_the_job_that_had_started(bench: Short) -> None:
    """The others of its process go on in another one, and nothing of them is burnt."""
    version = short(bench)
    words = [""] * 80
    words[10] = words[41] = "die"
    jobs = enqueued(bench, version, words)
    finish(bench, jobs)
    dead = [jobs[10], jobs[41]]
    for job in dead:
        row = bench.job(job)
        assert row.state is State.FAILED
        assert {attempt.outcome for attempt in bench.attempts(job)} == {"crashed"}
    assert_unharmed(bench, [job for job in jobs if job not in dead])


@pytest.mark.parametrize("bench", ["warm"], indirect=True)
def test_a_process_with_traces_hands_the_rest_on(bench: Short) -> None:
    """A job that changed its surroundings is the last one of its process, not of its batch."""
    version = short(bench)
    jobs = enqueued(bench, version, ["", "leave", *[""] * 30, "leave", *[""] * 30])
    finish(bench, jobs)
    assert_unharmed(bench, jobs)


def test_cancel_meets_one_job(bench: Short) -> None:
    """A running one, and several that wait in a process: each is cancelled, no other one is touched."""
    version = short(bench)
    jobs = enqueued(bench, version, ["sleep", *[""] * 40])
    eventually(lambda: bench.job(jobs[0]).state is State.RUNNING, within=10)
    cancel.cancel(bench.queue, [jobs[0]], force=False)
    finish(bench, jobs)
    assert bench.job(jobs[0]).state is State.CANCELLED
    assert_unharmed(bench, jobs[1:])


def test_a_timeout_ends_one_job(bench: Short) -> None:
    """The clock of each begins with its own first line."""
    version = short(bench, timeout=Timeout(hard=0.6))
    jobs = enqueued(bench, version, ["", "sleep", *[""] * 40], timeout=Timeout(hard=0.6))
    finish(bench, jobs)
    slow = jobs.pop(1)
    assert [attempt.outcome for attempt in bench.attempts(slow)] == ["timed_out"]
    assert_unharmed(bench, jobs)


def epochs(bench: Short, jobs: list[int]) -> list[int]:
    """One for each claim of a job, and for each time that it was given back."""
    with bench.queue.read() as connection:
        return [connection.execute("SELECT epoch FROM job WHERE id = ?", (job,)).fetchone()[0] for job in jobs]


@pytest.mark.parametrize("bench", ["clean"], indirect=True)
def test_two_stand_by_behind_two_long_jobs_and_go_back(bench: Short) -> None:
    """One for each place, and no more. On a busy machine short jobs may just have taken long: then again."""
    for number in range(8):
        version, go = short(bench), bench.path(f"go-{number}")
        jobs = enqueued(bench, version, [str(go), str(go), *[""] * 20])
        eventually(lambda jobs=jobs: all(bench.attempts(job) for job in jobs[:2]), within=20)
        eventually(lambda jobs=jobs: all(untouched(bench, job) for job in jobs[2:]), within=20,
                   say=f"twenty jobs that nobody has claimed\n{bench.log()}")
        stood = epochs(bench, jobs)
        go.touch()
        finish(bench, jobs)
        assert_unharmed(bench, jobs)
        assert stood[:2] == [1, 1]
        assert stood[4:] == [0] * 18
        if stood[2:4] == [2, 2]:
            return
    raise AssertionError(f"nobody stood by: {stood}")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGQUIT])
def test_when_the_worker_ends_what_has_not_begun_waits_again(bench: Short, number: int) -> None:
    """Killed, told to let its jobs finish, told to stop at once: the next one runs all, nothing is burnt."""
    version, go = short(bench), bench.path("go")
    jobs = enqueued(bench, version, [str(go), str(go), *[""] * 50])
    eventually(lambda: all(bench.attempts(job) for job in jobs[:2]), within=20, say="two long jobs")
    bench.workers[0].send_signal(number)
    if number == signal.SIGTERM:
        eventually(lambda: "draining" in bench.log(), within=10)
    go.touch()
    bench.workers[0].wait(20)
    bench.worker()
    finish(bench, jobs)
    for job in jobs[2:]:
        row = bench.job(job)
        assert (row.state, row.attempt, row.crash_count) == (State.COMPLETED, 1, 0), bench.events(job)
