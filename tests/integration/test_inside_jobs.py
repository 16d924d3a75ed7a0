"""What jobs ask of the lab while they run: keep, go on, enqueue, tell."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from eventually import eventually
from labs import working_lab

from tether_lab import BadRequest, JobFailed, Lab


@pytest.fixture
def lab() -> Iterator[Lab]:
    yield from working_lab(runners=2)


def lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


@pytest.mark.parametrize("isolation", ["clean", "warm"])
def test_a_step_runs_once_in_the_life_of_a_job(lab: Lab, tmp_path: Path, isolation: str) -> None:
    """What an attempt that failed had finished, the next one gets without running it; large, too."""
    ran = tmp_path / "ran"

    @lab.handler("steps", retries=2, retry="fixed:0.1s", isolation=isolation)
    def steps(ctx: Any, path: str) -> list[Any]:
        from pathlib import Path

        import numpy as np

        def note(name: str, value: Any) -> Any:
            with Path(path).open("a") as file:
                file.write(name + "\n")
            return value

        a = ctx.step("a", note, "a", {"x": 1})
        b = ctx.step("b", note, "b", np.arange(200_000))
        none = ctx.step("none", note, "none", None)
        if ctx.attempt < 3:
            ctx.checkpoint({"done": ctx.attempt, "before": ctx.restored})
            raise OSError("not yet")
        return [a, b, none, ctx.restored]

    a, b, none, restored = steps.enqueue(path=str(ran)).result(timeout=30)
    assert (a, none) == ({"x": 1}, None)
    assert (b == np.arange(200_000)).all()
    assert restored == {"done": 2, "before": {"done": 1, "before": None}}
    assert lines(ran) == ["a", "b", "none"]


def test_what_made_a_job_is_plain_data_also_where_nothing_did(lab: Lab) -> None:
    """A dict that JSON knows, and of its own: what one job writes into it no other one finds."""
    @lab.handler("made", isolation="warm")
    def made(ctx: Any) -> tuple[Any, int]:
        ctx.trigger["seen"] = 1
        return ctx.trigger, len(ctx.inputs)

    assert [made.enqueue().result(timeout=30) for _ in range(2)] == [({"seen": 1}, 0)] * 2


def test_steps_survive_the_death_of_worker_and_job(lab: Lab, tmp_path: Path) -> None:
    """SIGKILL to the worker while the second step runs: the first is not run again, the second is."""
    ran, go = tmp_path / "ran", tmp_path / "go"

    @lab.handler("steps")
    def steps(ctx: Any, folder: str) -> int:
        import time
        from pathlib import Path

        def one() -> int:
            with (Path(folder) / "ran").open("a") as file:
                file.write("one\n")
            return 1

        def two() -> int:
            with (Path(folder) / "ran").open("a") as file:
                file.write("two\n")
            while not (Path(folder) / "go").exists():
                time.sleep(0.01)
            return 2

        return int(ctx.step("one", one) + ctx.step("two", two))

    job = steps.enqueue(folder=str(tmp_path))
    eventually(lambda: lines(ran) == ["one", "two"], within=15)
    status = lab.worker.status()
    assert status.pid
    os.kill(status.pid, signal.SIGKILL)
    eventually(lambda: not lab.worker.is_running())
    go.touch()
    assert job.result(timeout=30) == 3
    assert lines(ran) == ["one", "two", "two"]


def test_a_completed_job_that_is_run_again_begins_anew(lab: Lab, tmp_path: Path) -> None:
    """Its steps belong to the run that completed."""
    @lab.handler("steps")
    def steps(ctx: Any, path: str) -> int:
        from pathlib import Path

        def count() -> int:
            file = Path(path)
            file.write_text((file.read_text() if file.exists() else "") + "x")
            return len(file.read_text())

        return int(ctx.step("count", count))

    job = steps.enqueue(path=str(tmp_path / "ran"))
    assert job.result(timeout=30) == 1
    job.retry()
    eventually(lambda: job.status == "completed")
    assert job.result(timeout=30) == 2


def test_async_steps_and_cells_have_them_too(lab: Lab) -> None:
    """``await ctx.step(…)`` in an async handler; ``ctx`` of a cell is the same."""
    @lab.handler("later", retries=1, retry="fixed:0.1s")
    async def later(ctx: Any) -> int:
        import asyncio

        async def slow(n: int) -> int:
            await asyncio.sleep(0.01)
            return n * 2

        found = await ctx.step("slow", slow, 21)
        if ctx.attempt == 1:
            raise OSError("once")
        return int(found)

    assert later.enqueue().result(timeout=30) == 42


def test_a_job_enqueues_jobs_as_the_notebook_does(lab: Lab) -> None:
    """Checked and signed by the worker; wrong ones are refused inside the job, by the same errors."""
    @lab.handler("child")
    def child(n: int) -> int:
        return n + 1

    @lab.handler("parent", retries=0)
    def parent(ctx: Any) -> list[Any]:
        from tether_lab import OptionError, PayloadError, UnknownHandler

        found: list[Any] = [ctx.enqueue("child", {"n": 1}, priority=3, tags="a")]
        asked = (("nope", {}, {}), ("child", {"m": 1}, {}), ("child", {"n": 1}, {"prio": 1}))
        for key, payload, options in asked:
            try:
                ctx.enqueue(key, payload, **options)
            except (OptionError, PayloadError, UnknownHandler) as error:
                found.append(f"{type(error).__name__}: {error.remedy}")
        ctx.send_event({"rows": 3})
        return found

    job = parent.enqueue()
    number, *refused = job.result(timeout=30)
    assert lab.get(number).result(timeout=30) == 2
    assert lab.get(number).row.priority == 3
    assert [text.split(":")[0] for text in refused] == ["UnknownHandler", "PayloadError", "OptionError"]
    assert "child" in refused[0]
    assert len(lab.jobs()) == 2
    (sent,) = [event for event in job.events if event.kind == "sent"]
    assert sent.detail == {"value": {"rows": 3}}


def test_mistakes_with_steps_are_told(lab: Lab) -> None:
    """The same name twice, a value that cannot be stored, no function."""
    @lab.handler("wrong", retries=0)
    def wrong(ctx: Any, how: str) -> Any:
        import threading

        if how == "twice":
            ctx.step("a", int)
            return ctx.step("a", int)
        if how == "lock":
            return ctx.step("a", threading.Lock)
        return ctx.step("a", 3)

    for how, words in (("twice", "ran already"), ("lock", "cannot be stored"), ("call", "cannot be called")):
        with pytest.raises(JobFailed, match=words):
            wrong.enqueue(how=how).result(timeout=30)


def test_the_stand_in_of_a_kernel_takes_the_same_calls(capsys: pytest.CaptureFixture[str]) -> None:
    """A cell runs unchanged with and without %%job."""
    from tether_lab import ctx

    assert ctx.step("a", int, "3") == 3
    ctx.checkpoint({"n": 1})
    assert ctx.enqueue("child", {"n": 1}) == 0
    ctx.send_event([1])
    assert "lab.enqueue" in capsys.readouterr().err
    with pytest.raises(BadRequest):
        ctx.step("", int)
