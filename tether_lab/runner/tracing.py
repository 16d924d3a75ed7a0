"""A span of OpenTelemetry around each attempt, where somebody set that up.

That is: ``OTEL_…`` variables in the environment, or ``opentelemetry`` imported by what the job took along or
by ``on_worker_start``, which is the place to install a provider. All others pay ``is_set_up``: a microsecond.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from . import wire

FLUSH_MS = 2000


def is_set_up() -> bool:
    """Whether anybody may want spans."""
    names: dict[bytes, bytes] = os.environ._data  # type: ignore[attr-defined]  # noqa: SLF001  undecoded
    return "opentelemetry" in sys.modules or b"\0OTEL_" in b"\0" + b"\0".join(names)


@contextmanager
def span(task: wire.Task) -> Iterator[list[wire.Ended]]:
    """Around one attempt; the caller appends how it ended."""
    ended: list[wire.Ended] = []
    trace = _api()
    if trace is None:
        yield ended
        return
    waited = round((time.time_ns() // 1000 - task.created_at) / 1000)
    about = {"tether_lab.job.id": task.job_id, "tether_lab.job.key": task.key, "tether_lab.job.uuid": task.uuid,
             "tether_lab.job.attempt": task.attempt, "tether_lab.queue_time_ms": waited}
    with trace.get_tracer("tether_lab").start_as_current_span(f"job {task.key}", attributes=about) as current:
        yield ended
        for one in ended:
            current.set_attribute("tether_lab.outcome", one.kind)
            if one.kind == "failed":
                current.set_status(trace.Status(trace.StatusCode.ERROR, one.message))
    flush = getattr(trace.get_tracer_provider(), "force_flush", None)
    if flush is not None:                    # the process is about to end
        with suppress(Exception):
            flush(FLUSH_MS)


def _api() -> Any:
    """``opentelemetry.trace``, if it is set up here."""
    if not is_set_up():
        return None
    try:
        from opentelemetry import trace  # type: ignore[import-not-found, unused-ignore]  # an extra
    except ImportError:
        return None
    return trace
