"""What a test says about a queue: this was enqueued, that was not."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tether_lab.job import JobRow
from tether_lab.job.options import read_options
from tether_lab.lab import Lab
from tether_lab.lab.job import Job


def assert_enqueued(lab: Lab, key: str, payload: Mapping[str, Any] | None = None, *, count: int | None = None,
                    status: str | None = None, **options: Any) -> list[Job]:
    """The jobs of ``key`` whose payload has these values and whose options are these (``priority=5``), newest
    first. Fails if there is none, or (``count``) not so many, and says what there is instead."""
    __tracebackhide__ = True
    found = _fitting(lab, key, payload, status, options)
    if (not found) if count is None else len(found) != count:
        wanted = "a job" if count is None else f"{count} jobs"
        raise AssertionError(f"expected {wanted} of {_words(key, payload, options)}; "
                             f"{len(found) or 'none'} fit. The lab has:\n{_listed(lab)}")
    return [Job(lab, row.id) for row in found]


def assert_not_enqueued(lab: Lab, key: str, payload: Mapping[str, Any] | None = None, *,
                        status: str | None = None, **options: Any) -> None:
    """No job of ``key`` fits. Fails and names those that do."""
    __tracebackhide__ = True
    found = _fitting(lab, key, payload, status, options)
    if found:
        raise AssertionError(f"expected no job of {_words(key, payload, options)}; there is "
                             f"{', '.join(f'job {row.id} ({row.state})' for row in found[:5])}")


def _fitting(lab: Lab, key: str, payload: Mapping[str, Any] | None, status: str | None,
             options: Mapping[str, Any]) -> list[JobRow]:
    read = read_options(options)
    names = {"max_attempts" if name == "retries" else name for name in options}
    return [row for row in lab.rows(status, key=key, limit=None)
            if (payload or {}).items() <= json.loads(row.payload).items()
            and all(_option(row, name) == getattr(read, name) for name in names)]


def _option(row: JobRow, name: str) -> Any:
    """Some options have columns of their own."""
    if name in ("priority", "queue", "description", "tags", "max_attempts"):
        return getattr(row, name)
    return getattr(row.options, name)


def _words(key: str, payload: Mapping[str, Any] | None, options: Mapping[str, Any]) -> str:
    said = [f"{name}={value!r}" for name, value in {**(payload or {}), **options}.items()]
    return " ".join([repr(key), *said])


def _listed(lab: Lab) -> str:
    rows = lab.rows(limit=20)
    return "\n".join(f"  job {row.id} {row.key} {row.state} {row.payload[:200]}" for row in rows) or "  no jobs"
