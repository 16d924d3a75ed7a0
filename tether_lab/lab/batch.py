"""Batches and sweeps: many payloads of one handler as one unit."""

from __future__ import annotations

import itertools
import json
import uuid
from collections.abc import Generator, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from tether_lab.errors import BadRequest, PayloadError
from tether_lab.job import JobOptions, State
from tether_lab.job.workflow import BatchRow
from tether_lab.worker.new_jobs import options_of
from tether_lab.worker.payload import read_payload

from .callbacks import callbacks_of
from .door import door
from .enqueue import find, new_jobs
from .group import Group

if TYPE_CHECKING:
    import pandas as pd

    from .handler import RegisteredHandler
    from .lab import Lab

MOST_SWEPT = 100_000


def enqueue_batch(lab: Lab, name: str, items: Iterable[Any], key: str, options: Mapping[str, Any],
                  callbacks: Mapping[str, str | RegisteredHandler | None]) -> Batch:
    """All items in one transaction. An item that is no dict becomes ``{"item": …}``."""
    from tether_lab.job_queue import groups

    handler = find(lab, key)
    version = lab.version(handler.head)
    wanted = options_of(options, JobOptions.from_json(handler.options), encrypt=lab.settings.encrypt)
    limit, store = lab.settings.payload_limit, lab.store(encrypted=wanted.encrypt)
    payloads = []
    for index, item in enumerate(items):
        try:
            payloads.append(read_payload(item if isinstance(item, Mapping) else {"item": item}, version,
                                         handler.defaults, store, limit=limit))
        except PayloadError as error:
            raise PayloadError(f"item {index}: {error.message}", remedy=error.remedy,
                               where=f"[{index}]{(error.where or '$')[1:]}") from None
    jobs = new_jobs(lab, version, payloads, wanted)
    number = groups.add_batch(lab.queue, str(uuid.uuid4()), name, jobs,
                              callbacks_of(lab, "batch", **callbacks))
    lab.waker.wake()
    return Batch(lab, number)


def product(values: Mapping[str, Iterable[Any]]) -> list[dict[str, Any]]:
    """Every combination, the last name fastest. Raises BadRequest."""
    if not values:
        raise BadRequest("a sweep needs values", where="sweep", remedy="As in lr=[0.1, 0.01].")
    listed = {}
    for name, given in values.items():
        if isinstance(given, str | bytes | Mapping) or not isinstance(given, Iterable):
            raise BadRequest(f"{name} is {given!r:.60}: a sweep takes a list of values", where=name,
                             remedy=f"As in {name}=[{given!r:.40}].")
        listed[name] = list(given)
    found = [dict(zip(listed, one, strict=True))
             for one in itertools.islice(itertools.product(*listed.values()), MOST_SWEPT + 1)]
    if len(found) > MOST_SWEPT:
        raise BadRequest(f"this sweep has more than {MOST_SWEPT:,} combinations", where="sweep",
                         remedy="Take fewer values, or several sweeps.")
    return found


@door
class Batch(Group):
    """A batch that was enqueued. ``int(batch)`` is its number; everything else is read when asked."""

    kind = "batch"

    @property
    def row(self) -> BatchRow:
        """The batch as it stands, as a value."""
        from tether_lab.job_queue import groups

        return groups.batch(self.lab.queue, self.id)

    def __len__(self) -> int:
        return self.row.total

    @property
    def progress(self) -> float:
        """The part of its items that has ended, 0 … 1; an empty batch is done."""
        row = self.row
        return row.ended / row.total if row.total else 1.0

    @property
    def jobs(self) -> list[Any]:
        """Its jobs, in the order of the items."""
        from .job import Job

        return [Job(self.lab, job_id) for job_id, _ in self.members()]

    @property
    def failed(self) -> list[Any]:
        """Those that failed or expired."""
        from .job import Job

        return [Job(self.lab, job_id) for job_id, state in self.members()
                if state in (State.FAILED, State.EXPIRED)]

    def retry_failed(self) -> Batch:
        """The failed, expired and cancelled items alone, once more."""
        bad = (State.FAILED, State.EXPIRED, State.CANCELLED)
        self._again([job_id for job_id, state in self.members() if state in bad])
        return self

    again = retry_failed

    def results(self, timeout: object = None) -> list[Any]:
        """The result of each item, in order; None for those that did not complete. Waits."""
        self.wait(timeout)
        return self._values()

    def _values(self) -> list[Any]:
        from .job import Job

        return [Job(self.lab, job_id).result() if state is State.COMPLETED else None
                for job_id, state in self.members()]

    def __await__(self) -> Generator[Any, None, list[Any]]:
        return self._results_async().__await__()

    async def _results_async(self) -> list[Any]:
        await self.wait_async()
        return self._values()

    def frame(self) -> pd.DataFrame:
        """One row a job: its number, status and seconds, its parameters, and its result (the keys of
        a dict as columns)."""
        import pandas as pd

        from .job import Job

        found = []
        for row in self.rows():
            took = None if None in (row.started_at, row.finished_at) else \
                ((row.finished_at or 0) - (row.started_at or 0)) / 1e6
            record = {"job": row.id, "status": row.state.value, "seconds": took, **json.loads(row.payload)}
            if row.state is State.COMPLETED:
                value = Job(self.lab, row.id).result()
                record |= value if isinstance(value, dict) else {"result": value}
            found.append(record)
        return pd.DataFrame(found)
