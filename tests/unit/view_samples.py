"""Jobs in every situation, as values: what the tests of the views look at."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from tether_lab.job import (
    Attempt,
    Concurrency,
    Constraints,
    Dedup,
    HandlerVersion,
    Interpreter,
    JobOptions,
    JobRow,
    Manifest,
    Notify,
    Provenance,
    RateLimit,
    ResultRow,
    RetryPolicy,
    State,
    Timeout,
    TimeWindow,
    Usage,
    Variable,
)
from tether_lab.views.board import Snapshot

SECOND = 1_000_000
NOW = 1_772_000_000 * SECOND
TRACEBACK = ("\x1b[31mValueError\x1b[0m  Traceback\nCell In[3], line 2\n----> 2 step(epoch)\n"
             "ValueError: loss is nan")


def row(**changes: Any) -> JobRow:
    """A job that was enqueued 70 s ago; the rest as in ``changes``."""
    blank = JobRow(
        id=12, uuid="4f0e", key="train", handler_id=1, handler_version="ab12cd34ef56", kind="cell",
        queue="default", payload='{"lr":0.1}', options=JobOptions(), state=State.PENDING,
        waits_for=None, priority=0, run_at=NOW - 70 * SECOND, attempt=0, max_attempts=1, epoch=0,
        crash_count=0, worker=None, cancel_requested_at=None, created_at=NOW - 70 * SECOND,
        updated_at=NOW, started_at=None, finished_at=None, progress=None, error=None,
        description=None)
    return replace(blank, **changes)


def attempt(number: int, outcome: str | None, **changes: Any) -> Attempt:
    """The attempt that began 60 s ago and took 5 s (or still runs)."""
    ended = None if outcome is None else NOW - 55 * SECOND
    return replace(Attempt(12, number, number, "w1", NOW - 60 * SECOND, ended, outcome, None, None, None,
                           Usage(4.2, 1_200_000_000, None, None, 321)), **changes)


def version(**changes: Any) -> HandlerVersion:
    """A cell that captured a frame, a model and two functions."""
    manifest = Manifest(
        variables=(Variable("df", "DataFrame", 100_000_000, "used by the cell"),
                   Variable("model", "Net", 2100, "used by the cell"),
                   Variable("helper", "function", 400, "called by the cell"),
                   Variable("scale", "function", 300, "called by helper")),
        imports={"np": "numpy"}, warnings=("helpers.py was edited after it was imported",))
    return replace(HandlerVersion(
        1, "v", "train", "ab12cd34ef56", "cell", "fit()", "{}", manifest,
        Interpreter("/envs/science", "/envs/science/bin/python", "3.11"),
        Provenance(packages={"numpy": "2.4"}, git_commit="0123456789abcdef", git_dirty=True,
                   notebook="work/train.ipynb", cell_id="c1"), NOW - 100 * SECOND), **changes)


def bars(*given: dict[str, Any]) -> str:
    """The JSON of ``job.progress``."""
    blank = {"id": 0, "position": 0, "description": "", "n": 0, "total": None, "rate": None,
             "elapsed": 0, "unit": "it", "postfix": "", "closed": False}
    return json.dumps({"fraction": 0.4, "message": "epochs", "bars": [{**blank, **bar} for bar in given]})


EPOCHS = {"description": "epochs", "n": 12, "total": 30, "rate": 0.4, "elapsed": 30, "unit": "epoch"}
RUNNING = row(state=State.RUNNING, started_at=NOW - 50 * SECOND, attempt=1, progress=bars(EPOCHS))
FAILED = row(state=State.FAILED, attempt=3, max_attempts=3, started_at=NOW - 60 * SECOND,
             finished_at=NOW, error="ValueError: loss is nan")
COMPLETED = row(state=State.COMPLETED, attempt=1, started_at=NOW - 60 * SECOND,
                finished_at=NOW - 55 * SECOND)
EVIL = "</div><script>alert(1)</script><img src=x onerror=alert(1)>\u202e"

SNAPSHOTS = {
    "pending": Snapshot("lab", row(), NOW, version=version(), worker_alive=True),
    "no worker": Snapshot("lab", row(), NOW, worker_alive=False),
    "scheduled": Snapshot("lab", row(state=State.SCHEDULED, run_at=NOW + 3600 * SECOND), NOW),
    "blocked": Snapshot("lab", row(state=State.BLOCKED, waits_for="a free GPU"), NOW),
    "running": Snapshot("lab", RUNNING, NOW, version=version(), attempts=(attempt(1, None),),
                        worker_alive=True, tail="epoch 12 loss 0.2"),
    "dead worker": Snapshot("lab", RUNNING, NOW, worker_alive=False),
    "cancelling": Snapshot("lab", replace(RUNNING, cancel_requested_at=NOW - 3 * SECOND), NOW),
    "retrying": Snapshot("lab", row(state=State.RETRYING, attempt=1, max_attempts=3,
                                    run_at=NOW + 8 * SECOND, error="ValueError: loss is nan"), NOW),
    "completed": Snapshot("lab", COMPLETED, NOW, version=version(), attempts=(attempt(1, "succeeded"),),
                          result=ResultRow(12, "4f0e", 1, "json", "{}", "{'loss': 0.02}", "dict", 14, "", b""),
                          outputs=3),
    "failed": Snapshot("lab", FAILED, NOW, version=version(), outputs=2, attempts=(
        attempt(1, "failed", error="loss is nan", traceback=TRACEBACK),
        attempt(2, "crashed", usage=Usage(signal=9), error="killed: out of memory"),
        attempt(3, "failed", error="loss is nan", traceback=TRACEBACK))),
    "cancelled": Snapshot("lab", row(state=State.CANCELLED, finished_at=NOW, error="cancelled by user"), NOW),
    "expired": Snapshot("lab", row(state=State.EXPIRED, finished_at=NOW, error="not started"), NOW),
    "skipped": Snapshot("lab", row(state=State.SKIPPED, finished_at=NOW), NOW),
    "long": Snapshot("lab", row(key="k" * 200, payload=json.dumps({"path": "x" * 5000}),
                                description="word " * 400), NOW),
    "evil": Snapshot("lab", replace(FAILED, key=EVIL, payload=json.dumps({EVIL: EVIL}), error=EVIL,
                                    description=EVIL, tags=(EVIL,),
                                    progress=bars({"description": EVIL, "postfix": EVIL}),
                                    waits_for=EVIL, options=JobOptions(keep=(EVIL,), queue=EVIL)),
                     NOW, tail=EVIL, notices=(EVIL,), version=version(
                         manifest=Manifest(variables=(Variable(EVIL, EVIL, 1, EVIL),), warnings=(EVIL,),
                                           imports={EVIL: EVIL}, withheld=(EVIL,)),
                         provenance=Provenance(packages={EVIL: EVIL}, notebook=EVIL, cell_id=EVIL)),
                     attempts=(attempt(1, "failed", error=EVIL, traceback=EVIL), attempt(2, EVIL))),
}

OPTIONS_SET = JobOptions(dedup=Dedup.by_input("1h"), on_conflict="raise",
    priority=5, queue="high", delay=60.0, at=1_772_000_000.0, expires=3600.0, max_attempts=4,
    retry=RetryPolicy.exponential(), timeout=Timeout(240, 300), isolation="warm", memory=2_000_000_000,
    max_output=5000, keep=("model",), tags=("nightly",), description="first run", meta={"who": "ada"},
    cache=86400.0, seed=7, after=("12:fail",), output="/tmp/{name}.ipynb",
    kernel="ir", concurrency=Concurrency("gpu", 2), rate_limit=RateLimit(10, 60.0), expedite=True,
    encrypt=True, secret=("token",),
    window=TimeWindow(22, 6, "MON-FRI", "Europe/Madrid"),
    constraints=Constraints("connected", min_free_memory=2_000_000_000), notify=Notify(("desktop",)))
