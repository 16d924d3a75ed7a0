"""Helpers for tests: a lab that runs jobs in this process, a clock that is moved, what was enqueued."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tether_lab import BadRequest, JobFailed, RetryAfter, Snooze
from tether_lab.testing import (
    InlineLab,
    ManualClock,
    assert_enqueued,
    assert_not_enqueued,
    temporary_lab,
)

pytest_plugins = ("tether_lab.testing.plugin",) if "tether_lab.testing.plugin" not in sys.modules else ()

SEEN: list[object] = []


def twice(n: int) -> int:
    return 2 * n


def test_jobs_run_here_when_the_test_says_so(inline_lab: InlineLab, capsys: pytest.CaptureFixture[str]) -> None:
    """In this process: a list of the test's own is filled; print is seen here and kept with the job."""
    SEEN.clear()

    @inline_lab.handler("add")
    def add(ctx: Any, a: int, b: int = 1) -> int:
        SEEN.append((a, b))
        ctx.progress(1, 2, "half")
        ctx.notify("soon")
        print("adding")
        return a + b

    job = add.enqueue(a=2)
    assert SEEN == []
    assert inline_lab.drain() == {"succeeded": 1}
    assert SEEN == [(2, 1)]
    assert job.result() == 3
    assert capsys.readouterr().out == "adding\n"
    assert job.outputs[0]["text"] == "adding\n"
    assert job.progress is not None
    assert [event.kind for event in job.events] == ["enqueued", "started", "notified", "succeeded"]
    assert add.enqueue(a=5, b=5).result() == 10, "who waits for a job runs it"
    assert not inline_lab.worker.is_running()


def test_retries_delays_and_schedules_come_with_the_clock(
    inline_lab: InlineLab, manual_clock: ManualClock,
) -> None:
    """Nothing sleeps: a week of a schedule, and a job's three attempts, in one test."""
    attempts: list[int] = []

    @inline_lab.handler("flaky", retries=2, retry="fixed:1h")
    def flaky(ctx: Any) -> str:
        attempts.append(ctx.attempt)
        if ctx.attempt == 1:
            raise RetryAfter("10m")
        if ctx.attempt == 2:
            raise ValueError("again")
        return "done"

    job = flaky.enqueue()
    assert inline_lab.drain() == {"failed": 1}
    assert job.status == "retrying"
    assert inline_lab.drain(advance="9m") == {}
    assert inline_lab.drain(advance="2m") == {"failed": 1}
    assert inline_lab.drain(advance="1h") == {"succeeded": 1}
    assert attempts == [1, 2, 3]
    assert job.result() == "done"

    inline_lab.register(lambda: 1, "daily")
    inline_lab.schedule("daily", interval="1d")
    assert inline_lab.drain(advance="7d")["succeeded"] == 7
    before = manual_clock.now()
    later = inline_lab.schedule_delayed("daily", "2d")
    inline_lab.drain()
    assert later.status == "scheduled"
    inline_lab.drain(advance="49h")
    assert later.status == "completed"
    assert (manual_clock.now() - before).total_seconds() == 49 * 3600


def test_middleware_hooks_steps_and_further_jobs_act_as_they_do(inline_lab: InlineLab) -> None:
    """The real rows and signatures; only the process is missing."""
    told: list[str] = []

    @inline_lab.middleware
    def around(job: Any, call_next: Any) -> Any:
        told.append(f"in {job.key}")
        return call_next()

    @inline_lab.on_success(keys="first")
    def tell(entry: Any) -> None:
        told.append(f"{entry.event} {entry.key}")

    @inline_lab.handler("first", retries=1, retry="fixed:0s")
    def first(ctx: Any) -> int:
        value: int = ctx.step("once", lambda: told.append("step") or 7)
        ctx.enqueue("second", {"n": value})
        if ctx.attempt == 1:
            raise ValueError("once more")
        return value

    @inline_lab.handler("second")
    def second(n: int) -> int:
        return n + 1

    job = first.enqueue()
    assert inline_lab.drain() == {"failed": 1, "succeeded": 3}
    assert job.result() == 7
    assert told.count("step") == 1
    assert told.count("on_success first") == 1
    assert told.count("in second") == 2
    assert [found.result() for found in assert_enqueued(inline_lab, "second", {"n": 7}, count=2)] == [8, 8]


def test_resources_are_replaced(inline_lab: InlineLab) -> None:
    """By value, for as long as the test says; and one that nobody registered can be given, too."""
    @inline_lab.resource
    def mailbox() -> Any:
        raise ConnectionError("the real one")

    @inline_lab.handler("mail", retries=0)
    def mail(ctx: Any, mailbox: list[str], text: str) -> int:
        mailbox.append(text)
        return len(ctx.resource("mailbox"))

    sent: list[str] = []
    with inline_lab.override(mailbox=sent):
        assert mail.enqueue(text="hello").result() == 1
    assert sent == ["hello"]
    with pytest.raises(JobFailed, match="the real one"):
        mail.enqueue(text="again").result()


def test_what_was_enqueued_is_asserted(inline_lab: InlineLab) -> None:
    """By key, part of the payload, options, status and count; a failure lists what there is."""
    inline_lab.register(lambda **rest: 1, "work")
    inline_lab.enqueue("work", {"day": "mon", "n": 1}, priority=5, tags=["night"])
    assert_enqueued(inline_lab, "work", {"day": "mon"}, count=1, priority=5, tags="night", status="pending")
    assert_not_enqueued(inline_lab, "work", {"day": "tue"})
    with pytest.raises(AssertionError, match=r"none fit(?s:.*)job 1 work pending"):
        assert_enqueued(inline_lab, "work", {"day": "tue"})
    with pytest.raises(AssertionError, match=r"there is job 1 \(pending\)"):
        assert_not_enqueued(inline_lab, "work")


def test_what_cannot_run_here_says_so(inline_lab: InlineLab) -> None:
    """Cells need a worker; a job that goes on for ever is stopped; a clock that cannot move says which can."""
    from tether_lab.lab.cells import CellRequest

    job, _, _ = inline_lab.submit_cell(CellRequest(source="1", transformed="1", namespace={}, key="cell"))
    assert job is not None
    inline_lab.drain()
    assert "runs in a worker" in str(job.error)

    @inline_lab.handler("forever")
    def forever() -> Any:
        return Snooze(0)

    forever.enqueue()
    with pytest.raises(AssertionError, match="for ever"):
        inline_lab.drain(limit=20)
    inline_lab.clock = None
    with pytest.raises(BadRequest, match="clock of the wall"):
        inline_lab.drain(advance="1h")


def test_the_fixtures_are_there_without_an_import(tmp_path: Path) -> None:
    """An installed package is enough: the plugin is an entry point of pytest."""
    (tmp_path / "test_theirs.py").write_text(
        "def test_it(inline_lab):\n"
        "    inline_lab.register(lambda n: n * 2, 'double')\n"
        "    assert inline_lab.enqueue('double', {'n': 4}).result() == 8\n")
    ran = subprocess.run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)],
                         capture_output=True, text=True, check=False, cwd=tmp_path, timeout=120)
    assert "1 passed" in ran.stdout, ran.stdout + ran.stderr


def test_a_temporary_lab_has_a_worker_and_leaves_nothing() -> None:
    """For cells, timeouts, processes."""
    with temporary_lab() as lab:
        folder = lab.folder.path
        assert lab.submit(twice, 1).result(timeout=30) == 2
    assert not folder.exists()
