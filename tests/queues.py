"""Queues, handlers and endings for the tests of the queue: short ways to the usual ones."""

from __future__ import annotations

import itertools
import json
import uuid
from dataclasses import replace
from pathlib import Path
from typing import Any

from tether_lab.job import (
    Claim,
    ClaimedJob,
    HandlerVersion,
    Interpreter,
    Manifest,
    Provenance,
    ResultRow,
    State,
)
from tether_lab.job_queue import claim, enqueue, register
from tether_lab.job_queue.queue import Queue
from tether_lab.outcome import Finish, NextStep
from tether_lab.settings import LabFolder, Settings

NOW = 1_800_000_000_000_000
SECOND = 1_000_000
LEASE = 30 * 10**9
_numbers = itertools.count()


def folder(path: Path) -> LabFolder:
    """A lab's folder, not yet made."""
    path.chmod(0o700)
    return LabFolder(path / "lab")


def opened(path: Path, role: Any = "client", **settings: Any) -> Queue:
    """A queue below ``path``."""
    return Queue.open(folder(path), role=role, settings=Settings(**{"durability": "process", **settings}))


def version(
    key: str = "train", content: str = "1", notebook: str | None = None, **manifest: Any,
) -> HandlerVersion:
    """A handler version whose hash is its content."""
    return HandlerVersion(
        0, str(uuid.uuid4()), key, content, "function", f"x = {content}", "{}", Manifest(**manifest),
        Interpreter("/usr", "/usr/bin/python3", "3.11"), Provenance(notebook=notebook), NOW, "k1", b"mac")


def registered(queue: Queue, key: str = "train", content: str = "1") -> HandlerVersion:
    """A version that is in the queue."""
    return register.register(queue, version(key, content), defaults="{}", options="{}", small_blobs={},
                             large_blobs={}, now=NOW)[0]


def new_job(handler: HandlerVersion, **values: Any) -> enqueue.NewJob:
    """A job that is due now."""
    job = enqueue.NewJob(uuid=f"j{next(_numbers)}", key=handler.key, handler_id=handler.id, run_at=NOW,
                         max_attempts=3, key_id="k1", mac=b"mac")
    return replace(job, **values)


def put(into: Queue, handler: HandlerVersion, count: int = 1, /, **values: Any) -> list[int]:
    """Jobs that are due now."""
    return enqueue.enqueue(into, [new_job(handler, **values) for _ in range(count)], now=NOW)


def turn(queue: Queue, worker: str = "w1", *, limit: int = 10, now: int = NOW, mono: int = 0,
         finished: Any = (), **values: Any) -> claim.Turn:
    """One turn of a worker."""
    return claim.turn(queue, worker=worker, now=now, mono=mono, lease_ns=LEASE, finished=list(finished),
                      limit=limit, **values)


def ending(of: Claim | ClaimedJob, step: NextStep | None = None, *, at: int = NOW, value: object = 1,
           **values: Any) -> claim.Ending:
    """How an attempt ended; completed with a result, if nothing else is said."""
    held = of.claim if isinstance(of, ClaimedJob) else of
    step = step or Finish(State.COMPLETED)
    done = isinstance(step, Finish) and step.state is State.COMPLETED
    body = json.dumps(value)
    result = ResultRow(held.job_id, "", held.epoch, "json", body, body, "int", len(body), "k1", b"mac")
    given: dict[str, Any] = {"outcome_name": "succeeded" if done else "failed",
                             "result": result if done else None, **values}
    return claim.Ending(claim=held, step=step, finished_at=at, **given)
