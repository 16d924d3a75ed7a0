"""Where is a running job now?"""

from __future__ import annotations

import linecache
from typing import TYPE_CHECKING

from tether_lab.errors import WorkerError
from tether_lab.job import State

if TYPE_CHECKING:
    from .lab import Lab


def stack(lab: Lab, job_id: int, *, raw: bool = False) -> str:
    """The Python stack of the running job, every thread with user code in it, the lines of its cell
    shown; ``raw`` gives the dump as faulthandler wrote it. Raises WorkerError if it does not run."""
    from tether_lab.views.stack import readable
    from tether_lab.worker import spawn

    row = lab.read_row(job_id)
    if row.state is not State.RUNNING:
        raise WorkerError(f"job {job_id} ({row.key}) is {row.state}: it has a stack while it runs",
                          remedy="job.attempts[-1].traceback has the one it failed with, if it did.",
                          where=f"job {job_id}")
    dump = spawn.stack(lab.folder, job_id)
    if raw:
        return dump
    version = lab.version(row.handler_id)

    def sources(file: str) -> str | None:
        if file in version.manifest.sources:
            return version.manifest.sources[file]
        if "/ipykernel_" in file or file.startswith("<ipython-input-"):
            return version.source                   # the job's own cell: its name is made in the job
        return "".join(linecache.getlines(file)) or None
    return readable(dump, sources)
