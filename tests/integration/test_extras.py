"""Middleware, resources and what runs first: they act in the job's process, with the kernel gone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from eventually import eventually
from labs import working_lab

from tether_lab import BadRequest, JobFailed, Lab


@pytest.fixture
def lab() -> Iterator[Lab]:
    yield from working_lab(runners=2)


def test_middleware_stands_around_jobs_in_order(lab: Lab) -> None:
    """Sync and async, functions, cells and commands; each sees payload and value, and may change it."""
    @lab.middleware(order=2)
    def inner(job: Any, call_next: Any) -> Any:
        print("inner in", job.key)
        value = call_next()
        print("inner out")
        return None if value is None else [value, job.payload]

    @lab.middleware(order=1)
    async def outer(job: Any, call_next: Any) -> Any:
        import asyncio

        await asyncio.sleep(0)
        print("outer in")
        value = await call_next()
        await asyncio.sleep(0)
        print("outer out")
        return value

    @lab.handler("double")
    async def double(n: int) -> int:
        import asyncio

        await asyncio.sleep(0)
        return n * 2

    assert [extra.name for extra in lab.extras()] == ["outer", "inner"]
    job = double.enqueue(n=4)
    assert job.result(timeout=30) == [8, {"n": 4}]
    text = "".join(output["text"] for output in job.outputs)
    assert text.splitlines() == ["outer in", "inner in double", "inner out", "outer out"]
    assert lab.handlers()[0].key == "double"
    lab.remove_extra("middleware", "inner")
    assert double.enqueue(n=5).result(timeout=30) == 10
    with pytest.raises(BadRequest, match="no middleware 'inner'"):
        lab.remove_extra("middleware", "inner")


def test_a_broken_middleware_fails_the_attempt_by_its_name(lab: Lab) -> None:
    """Never the worker; and the error of the job itself passes through as it is."""
    @lab.middleware(keys="refused")
    def guard(job: Any, call_next: Any) -> Any:
        raise PermissionError("not today")

    @lab.middleware(keys="kept")
    def witness(job: Any, call_next: Any) -> Any:
        try:
            return call_next()
        except ValueError as error:
            print("seen", error)
            raise

    @lab.handler("refused", retries=0)
    def refused() -> int:
        return 1

    @lab.handler("kept", retries=0)
    def kept() -> int:
        raise ValueError("its own")

    with pytest.raises(JobFailed, match=r"not today \(raised by the middleware 'guard'\)"):
        refused.enqueue().result(timeout=30)
    job = kept.enqueue()
    with pytest.raises(JobFailed, match="its own") as told:
        job.result(timeout=30)
    assert "middleware" not in str(told.value)
    assert "seen its own" in str(job.outputs)
    assert lab.worker.is_running()


def test_resources_are_built_on_first_use_and_torn_down(lab: Lab, tmp_path: Path) -> None:
    """By parameter name or ctx.resource, one may use another; torn down after a failure as well."""
    log = tmp_path / "log"

    @lab.resource
    def settings() -> dict[str, str]:
        return {"path": str(log)}

    @lab.resource("store")
    def store(settings: dict[str, str]) -> Iterator[list[str]]:
        from pathlib import Path

        found: list[str] = []
        yield found
        with Path(settings["path"]).open("a") as file:
            file.write(f"closed with {found}\n")

    @lab.handler("use", retries=0)
    def use(ctx: Any, store: list[str], n: int) -> int:
        store.append(str(n))
        assert ctx.resource("store") is store
        if n == 2:
            raise RuntimeError("two")
        return n

    assert use.enqueue(n=1).result(timeout=30) == 1
    with pytest.raises(JobFailed, match="two"):
        use.enqueue(n=2).result(timeout=30)
    assert log.read_text().splitlines() == ["closed with ['1']", "closed with ['2']"]


def test_a_runner_scoped_resource_lives_as_long_as_a_warm_process(lab: Lab) -> None:
    """One object for several jobs of the process."""
    @lab.resource(scope="runner")
    def counter() -> list[int]:
        return []

    @lab.handler("count", isolation="warm")
    def count(counter: list[int]) -> int:
        counter.append(1)
        return len(counter)

    found = [count.enqueue().result(timeout=30) for _ in range(4)]
    assert max(found) > 1


def test_what_runs_first_may_fail_without_failing_the_job(lab: Lab, tmp_path: Path) -> None:
    """The job goes back with a warning and loses no attempt; once it works, the job runs."""
    ready = tmp_path / "ready"

    @lab.on_worker_start
    def connect() -> None:
        from pathlib import Path

        if not Path(ready).exists():
            raise ConnectionError("no database")

    @lab.handler("work", retries=0)
    def work() -> int:
        return 1

    job = work.enqueue()
    eventually(lambda: any(event.kind == "warning" for event in job.events), within=15)
    eventually(lambda: job.status == "scheduled")
    assert job.row.attempt == 0
    assert "connect" in str([event.detail for event in job.events])
    ready.touch()
    with lab.queue.write() as connection:
        connection.execute("UPDATE job SET run_at = 0")
    lab.waker.wake()
    assert job.result(timeout=30) == 1


def test_mistakes_are_refused_at_the_door(lab: Lab) -> None:
    """Names, parameters, scopes; and keys that users cannot take."""
    with pytest.raises(BadRequest, match="takes 1 param"):
        lab.middleware(lambda job: None, name="m")
    with pytest.raises(BadRequest, match="scope"):
        lab.resource("r", scope="forever")(lambda: 1)
    with pytest.raises(BadRequest, match="cannot be called"):
        lab.resource("ctx")(lambda: 1)
    with pytest.raises(BadRequest, match="not a job key"):
        lab.register(lambda: 1, "~middleware:x")
    assert lab.extras() == []
