"""Where attempts run: the executor of the worker, as the worker last said."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .lab import Lab


def executor_line(lab: Lab) -> str | None:
    """``"dask=tcp://…: 4 places"``, with what keeps it from having more; None if attempts run here."""
    from tether_lab.job_queue import workers

    newest = next((row for row in workers.list(lab.queue) if row.state == "running"), None)
    told = json.loads(newest.detail) if newest is not None else {}
    if not told.get("executor"):
        return None
    trouble = f" ({told['trouble']})" if told.get("trouble") else ""
    return f"{told['executor']}: {told['places']} places{trouble}"
