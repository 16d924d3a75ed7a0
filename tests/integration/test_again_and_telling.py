"""Again with other numbers or newer code; spans and log records for those who collect them; total timeouts."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from labs import working_lab

from tether_lab import JobFailed, Lab, OptionError, RetryPolicy, Timeout
from tether_lab.job import State
from tether_lab.outcome import Failed, Finish, RetryAt, TimedOut, decide

API = '''
spans = []
class Status:
    def __init__(self, code, text=""): self.code, self.text = code, text
class StatusCode:
    ERROR = "ERROR"
class Span:
    def __init__(self, name, attributes): self.name, self.attributes, self.status = name, dict(attributes), None
    def set_attribute(self, name, value): self.attributes[name] = value
    def set_status(self, status): self.status = status
    def __enter__(self): return self
    def __exit__(self, *error): pass
class Tracer:
    def start_as_current_span(self, name, attributes):
        spans.append(Span(name, attributes))
        return spans[-1]
class Provider:
    def force_flush(self, patience):
        import json, os
        with open(os.environ["SPANS"], "a") as file:
            for span in spans:
                file.write(json.dumps([span.name, span.attributes, getattr(span.status, "text", None)]) + "\\n")
def get_tracer(name): return Tracer()
def get_tracer_provider(): return Provider()
'''


@pytest.fixture
def lab() -> Iterator[Lab]:
    yield from working_lab(runners=1)


def test_a_job_runs_again_with_other_numbers(lab: Lab) -> None:
    """The same with --seed, others with fresh_seed; a priority of its own does not spoil the signature."""
    def draw() -> float:
        import random

        return random.random()

    lab.register(draw, "draw")
    job = lab.enqueue("draw", seed=7, priority=5, description="once", tags=["a"])
    first = job.result(timeout=30)
    assert job.retry().result(timeout=30) == first
    assert job.retry(fresh_seed=True).result(timeout=30) != first
    lab.register(lambda: 42, "draw")
    assert job.retry(with_code=True).result(timeout=30) == 42
    assert (job.row.priority, job.row.description) == (5, "once")


def test_attempts_are_spans_and_log_records(lab: Lab, tmp_path: Path) -> None:
    """With a stand-in of OpenTelemetry's API: name, attributes, status; the logger tether_lab hears ctx.log."""
    package = tmp_path / "opentelemetry"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "trace.py").write_text(API)
    spans, records = tmp_path / "spans", str(tmp_path / "records")
    place = str(tmp_path)

    @lab.on_worker_start
    def set_up() -> None:
        import logging
        import os
        import sys

        os.environ["SPANS"] = str(spans)
        sys.path.insert(0, place)
        import opentelemetry  # noqa: F401 — that somebody imported it is enough

        logging.getLogger("tether_lab").addHandler(logging.FileHandler(records))

    @lab.handler("traced", retries=0)
    def traced(ctx: Any, fails: bool) -> None:
        ctx.log("at work")
        if fails:
            raise ValueError("no")

    traced.enqueue(fails=False).result(timeout=30)
    with pytest.raises(JobFailed):
        traced.enqueue(fails=True).result(timeout=30)
    lines = spans.read_text().splitlines()
    assert len(lines) == 2
    assert '"job traced"' in lines[0]
    assert '"tether_lab.outcome": "succeeded"' in lines[0]
    assert '"no"' in lines[1]
    assert Path(records).read_text() == "at work\nat work\n"


def test_a_total_timeout_ends_all_attempts_together(lab: Lab) -> None:
    """It kills the attempt that runs then, and leaves no time for another one."""
    def work(ctx: Any) -> None:
        import time

        time.sleep(0.3 if ctx.attempt == 1 else 60)
        raise ValueError("again")

    lab.register(work, "work")
    begun = time.monotonic()
    job = lab.enqueue("work", retry="fixed:100ms", max_attempts=50, timeout="30s,total=3s")
    with pytest.raises(JobFailed, match="timed out after 3 s since its first attempt began"):
        job.result(timeout=30)
    assert time.monotonic() - begun < 25
    assert [attempt.outcome for attempt in job.attempts] == ["failed", "timed_out"]
    late = decide(Failed(("E",), "x"), attempt=1, max_attempts=5, retry=RetryPolicy.fixed(10), now=0,
                  give_up_at=5_000_000)
    assert isinstance(late, Finish)
    assert late.state is State.FAILED
    assert "no time to try again" in str(late.reason)
    early = decide(TimedOut(1.0), attempt=1, max_attempts=5, retry=RetryPolicy.fixed(1), now=0,
                   give_up_at=5_000_000)
    assert isinstance(early, RetryAt)


def test_timeouts_are_read_as_texts() -> None:
    """Soft and hard, presets, a total, catch; a wrong one names what is accepted."""
    assert Timeout.parse("4m/5m,catch,total=1h") == Timeout(240, 300, catch=True, total=3600)
    assert Timeout.parse("total=2h") == Timeout(total=7200)
    assert Timeout.parse("quick") == Timeout(45, 60)
    for wrong in ("1m,2m", "total=1h,total=2h", "", "catch"):
        with pytest.raises((OptionError, ValueError)):
            Timeout.parse(wrong)
