"""``tether-lab history``."""

from __future__ import annotations

from .labs import open_lab
from .parsing import Arguments
from .terminal import moment, show_json, show_table


def run(given: Arguments) -> int:
    """What ran, a line an attempt."""
    found = open_lab(given).history(given.key, status=given.status, since=given.since, limit=given.limit)
    if given.json:
        show_json([{"job": run.job_id, "key": run.key, "status": run.status.value, "attempt": run.attempt,
                    "outcome": run.outcome, "started_at": moment(run.started_at),
                    "finished_at": moment(run.finished_at), "duration_ms": run.duration_ms,
                    "error": run.error} for run in found])
    else:
        show_table(found.table())
    return 0
