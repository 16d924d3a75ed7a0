"""The Python API against a real worker: results, errors, watching, following, what is handed over."""

from __future__ import annotations

import asyncio
import datetime as dt
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from eventually import eventually
from labs import working_lab

from tether_lab import JobFailed, JobWasCancelled, Lab, ResultUnavailable, Snooze, WorkerError
from tether_lab.job.options import read_options
from tether_lab.lab import CellRequest
from tether_lab.testing import temporary_lab


@pytest.fixture
def lab() -> Iterator[Lab]:
    yield from working_lab()


def cell(lab: Lab, source: str, *, parameters: dict[str, Any] | None = None, **options: Any) -> Any:
    job, _, notice = lab.submit_cell(CellRequest(
        source=source, transformed=source, namespace={}, parameters=parameters or {},
        options=read_options(options)))
    assert job is not None
    return job, notice


def test_what_goes_in_and_what_comes_out(lab: Lab) -> None:
    """The first enqueue starts the worker; functions, classes, coroutines, cells, commands run."""

    @lab.handler
    def pair(a: Any, b: Any) -> tuple[Any, Any]:
        print("got", a, b)
        return a, b

    @lab.handler("double")
    async def later(x: int) -> int:
        await asyncio.sleep(0)
        return x * 2

    class Echo:
        key = "echo"

        def execute(self, ctx: Any) -> Any:
            return {**ctx.payload, "attempt": ctx.attempt}

    lab.register(Echo)
    day = dt.date(2026, 3, 1)
    job = pair.enqueue(a=day, b=(1, {2}))
    assert job.result(30) == (day, (1, {2}))
    assert job.outputs[0]["text"] == f"got {day} (1, {{2}})\n"
    assert lab.worker.is_running()
    assert lab.enqueue("double", {"x": 4}).result(30) == 8
    assert lab.enqueue("echo", {"n": [1]}).result(30) == {"n": [1], "attempt": 1}
    assert lab.submit(pow, 2, exp=3).result(30) == 8 if sys.version_info >= (3, 13) else True
    assert [j.result(30) for j in later.map([1, 2, 3], isolation="warm")] == [2, 4, 6]
    kept, _ = cell(lab, "a = n + 1\nb = a * 2\nprint(b)\nb", parameters={"n": 3}, keep="a")
    assert (kept.result(30), kept.vars) == (8, {"a": 4})
    shell = lab.enqueue_command([sys.executable, "-c", "print('from a program')"]).wait(30)
    assert (shell.status, shell.outputs[0]["text"]) == ("completed", "from a program\n")
    assert "result 8" in kept._repr_mimebundle_()["text/plain"]


def test_cache_returns_the_job_that_did_it_before(lab: Lab) -> None:
    """Same code and payload: nothing runs; another payload does; a young age does not find it."""
    first, _ = cell(lab, "n * 2", parameters={"n": 1}, cache=True)
    first.wait(30)
    again, notice = cell(lab, "n * 2", parameters={"n": 1}, cache=True)
    assert again == first
    assert "nothing ran" in notice
    other, _ = cell(lab, "n * 2", parameters={"n": 2}, cache=True)
    assert other != first
    assert cell(lab, "n * 2", parameters={"n": 1}, cache="0s")[0] != first
    assert cell(lab, "n * 2", parameters={"n": 1})[0] != first
    assert lab.enqueue(first.key, {"n": 1}, cache=True).result(30) == 2


def test_failures_say_how_and_what_to_do(lab: Lab) -> None:
    """The error has the job's traceback as its cause; retries are kept as attempts; retry() runs it."""

    @lab.handler("boom", retries=1, retry="fixed:10ms")
    def boom(ok: bool = False, path: str = "") -> str:
        if not Path(path).exists():
            raise ValueError("no such luck")
        return "fine"

    job = boom.enqueue(path=f"{lab.folder.path}/gate")
    with pytest.raises(JobFailed, match="failed after 2 attempts: ValueError: no such luck") as caught:
        job.result(30)
    assert caught.value.error_type == "ValueError"
    assert "raise ValueError" in caught.value.traceback
    assert "raise ValueError" in str(caught.value.__cause__)
    assert [a.outcome for a in job.attempts] == ["failed", "failed"]
    assert job.error == "ValueError: no such luck"
    (lab.folder.path / "gate").touch()
    assert job.retry().result(30) == "fine"
    assert "retried" in [e.kind for e in job.events]

    @lab.handler
    def strange() -> Any:
        return (i for i in range(3))

    with pytest.raises(ResultUnavailable, match="generator"):
        strange.enqueue().result(30)
    assert strange.enqueue().wait(30).status == "completed"


@pytest.mark.row(51)
def test_a_tampered_result_is_not_loaded(lab: Lab) -> None:
    """Bytes that the worker did not sign raise before anything of them is unpickled."""
    from tether_lab import BadSignature

    @lab.handler
    def pair() -> tuple[int, int]:
        return 1, 2

    job = pair.enqueue().wait(30)
    with lab.queue.write() as connection:
        connection.execute("UPDATE result SET body = replace(body, 'tuple', 'Tuple')")
    with pytest.raises(BadSignature):
        job.result()


def test_watching_and_following_while_it_runs(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    """Outputs come as they are printed, the stack shows where it is, cancel ends it."""
    gate = lab.folder.path / "gate"

    @lab.handler
    def steps(gate: str) -> int:
        import time
        from pathlib import Path

        print("begun", flush=True)
        while not Path(gate).exists():
            time.sleep(0.01)
        print("ended", flush=True)
        return 1

    job = steps.enqueue(gate=str(gate))
    eventually(lambda: any("begun" in str(o.get("text")) for o in job.outputs))
    assert "time.sleep" in job.stack() or "steps" in job.stack()
    states = []
    for row in job.watch():
        states.append(row.state.value)
        gate.touch()
    assert states[0] == "running"
    assert states[-1] == "completed"
    job.follow()
    assert capsys.readouterr().out == "begun\nended\n"
    job.show()
    assert capsys.readouterr().out == "begun\nended\n"
    with pytest.raises(WorkerError):
        job.stack()

    gate.unlink()
    stuck = steps.enqueue(gate=str(gate))
    eventually(lambda: stuck.status == "running")
    assert lab.cancel(key="steps") == {"running": 1}
    with pytest.raises(JobWasCancelled):
        stuck.result(30)


async def test_awaiting_jobs(lab: Lab) -> None:
    """``await job`` gives the result or raises; several wait side by side on one loop."""

    @lab.handler("inverse", retries=0)
    def inverse(x: float) -> float:
        return 1 / x

    jobs = inverse.map([1, 2, 4, 0])
    found = await asyncio.wait_for(asyncio.gather(*jobs, return_exceptions=True), 30)
    assert found[:3] == [1.0, 0.5, 0.25]
    assert isinstance(found[3], JobFailed)


def test_a_waiter_starts_a_dead_worker(lab: Lab) -> None:
    """SIGKILL of the worker in the middle of a job: who waits for it gets the result all the same."""
    gate = lab.folder.path / "gate"

    @lab.handler
    def wait_for(gate: str) -> str:
        import time
        from pathlib import Path

        while not Path(gate).exists():
            time.sleep(0.01)
        return "done"

    job = wait_for.enqueue(gate=str(gate))
    eventually(lambda: job.status == "running")
    worker = lab.worker.status().pid
    assert worker
    os.kill(worker, signal.SIGKILL)
    eventually(lambda: not lab.worker.is_running())
    gate.touch()
    assert job.result(30) == "done"
    assert [a.outcome for a in job.attempts] == ["lost", "succeeded"]
    assert lab.worker.status().pid != worker


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_a_worker_that_came_and_went_is_started_again(lab: Lab, end: str) -> None:
    """However short ago it was started: what is enqueued next has a worker, though nobody waits for it."""

    @lab.handler
    def one() -> int:
        return 1

    first = one.enqueue()                                  # starts a worker in the background
    eventually(lambda: first.status == "completed", within=20)
    worker = lab.worker.status().pid
    assert worker
    lab.waker._started_at = time.monotonic()               # as if all this had taken no time at all
    if end == "kill":
        os.kill(worker, signal.SIGKILL)
        eventually(lambda: not lab.worker.is_running())
    else:
        lab.worker.stop(timeout=20)
    second = one.enqueue()
    eventually(lambda: second.status == "completed", within=20)
    assert lab.worker.status().pid != worker


def test_endings_of_its_own(lab: Lab) -> None:
    """A snooze burns no attempt and comes back by itself."""
    mark = lab.folder.path / "mark"

    @lab.handler
    def twice(mark: str) -> Any:
        from pathlib import Path

        if Path(mark).exists():
            return "second time"
        Path(mark).touch()
        return Snooze(0.05)

    job = twice.enqueue(mark=str(mark))
    assert job.result(30) == "second time"
    assert job.row.attempt == 1
    assert [a.outcome for a in job.attempts] == ["snoozed", "succeeded"]


def test_without_a_worker_jobs_wait() -> None:
    """``enabled = false`` refuses a worker; enqueuing works; a worker elsewhere would run it."""
    with temporary_lab(enabled=False) as lab:
        job = lab.enqueue_command(["true"])
        assert job.status == "pending"
        with pytest.raises(WorkerError, match="enabled = false"):
            lab.worker.start()
        assert not lab.worker.is_running()


@pytest.mark.alone
def test_enqueue_costs_little_beyond_its_commit(lab: Lab) -> None:
    """A thousand at once: well under a millisecond each."""
    lab.worker.start()

    @lab.handler
    def work(x: int) -> int:
        return x

    begun = time.perf_counter()
    jobs = work.map(range(1000), delay="1h")
    took = time.perf_counter() - begun
    assert len(jobs) == 1000
    assert took < 1.0, f"{took * 1000:.0f} ms"
