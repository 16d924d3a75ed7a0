"""What chains and batches have in common: members, waiting, the cancel, the card."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar

from tether_lab.errors import TetherLabError, WaitTimeout, WrongState
from tether_lab.job import FINAL, JobRow, State
from tether_lab.job.duration import seconds, words
from tether_lab.job.workflow import BatchRow, ChainRow

from . import clock
from .watch import LOOK_AGAIN

if TYPE_CHECKING:
    from tether_lab.views.dashboard.widget import Dashboard

    from .lab import Lab


G = TypeVar("G", bound="Group")


class Group(ABC):
    """A handle: a number and a lab."""

    kind: ClassVar[str]
    final = FINAL

    def __init__(self, lab: Lab, number: int) -> None:
        self.lab, self.id = lab, number

    @property
    @abstractmethod
    def row(self) -> ChainRow | BatchRow:
        """As it stands, as a value."""

    @property
    def status(self) -> str:
        """running, completed, failed or cancelled."""
        return self.row.status

    @property
    def name(self) -> str:
        return self.row.name

    def members(self) -> list[tuple[int, State]]:
        """(job id, status) of each, in order."""
        from tether_lab.job_queue import groups

        if self.kind == "chain":
            return groups.members(self.lab.queue, chain=self.id)
        return groups.members(self.lab.queue, batch=self.id)

    def rows(self) -> list[JobRow]:
        """Its jobs as values, in order."""
        return [self.lab.read_row(job_id) for job_id, _ in self.members()]

    def cancel(self, *, force: bool = False) -> Self:
        """End all of it that has not ended."""
        from tether_lab.job_queue import cancel

        chain, batch = (self.id, None) if self.kind == "chain" else (None, self.id)
        cancel.cancel(self.lab.queue, chain=chain, batch=batch, force=force)
        self.lab.waker.nudge()
        return self

    @abstractmethod
    def again(self) -> Group:
        """Run again what failed, and what had ended with it."""

    def _again(self, ids: list[int]) -> None:
        from tether_lab.job_queue import retry

        if not ids or not retry.retry_many(self.lab.queue, ids):
            raise WrongState(f"{self.kind} {self.id} is {self.status}: nothing in it is to be run again",
                             where=f"{self.kind} {self.id}")
        self.lab.waker.wake()

    def wait(self, timeout: object = None) -> Self:
        """Until all of it has ended, in whatever way. Raises WaitTimeout."""
        limit = None if timeout is None else seconds(timeout, what="timeout")
        deadline = None if limit is None else time.monotonic() + limit
        with self.lab.changes() as changes:
            while self.row.finished_at is None:
                left = LOOK_AGAIN if deadline is None else min(LOOK_AGAIN, deadline - time.monotonic())
                if left <= 0:
                    raise WaitTimeout(f"{self.kind} {self.id} ({self.name}) still runs after "
                                      f"{words(limit or 0)}", where=f"{self.kind} {self.id}",
                                      remedy="It goes on; wait again.")
                self.lab.ensure_worker()
                changes.wait(left)
        return self

    async def wait_async(self, timeout: object = None) -> Self:  # noqa: ASYNC109 — as in wait()
        """``wait`` on an event loop."""
        import asyncio

        await asyncio.to_thread(self.wait, timeout)
        return self

    def widget(self) -> Dashboard:
        """A live view of its jobs: how each stands, outputs of the one that is opened, buttons."""
        from .dashboard import dashboard

        _ = self.row
        asked = {self.kind: self.id, "sort": "id", "down": False, "size": 10}
        return dashboard(self.lab, asked, rate=4.0, only=self.kind)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:  # noqa: ARG002 — IPython passes both
        from tether_lab.job_queue import groups
        from tether_lab.views.groups import bundle

        states = [state for _, state in self.members()]
        if self.kind == "batch":
            return bundle(self.kind, self.row, [], states, clock.now())
        return bundle(self.kind, self.row, self.rows(), states, clock.now(),
                      groups.edges(self.lab.queue, self.id))

    def __repr__(self) -> str:
        try:
            return f"<{type(self).__name__} {self.id} {self.name}: {self.status}>"
        except TetherLabError as error:
            return f"<{type(self).__name__} {self.id}: {error.message}>"

    def __int__(self) -> int:
        return self.id

    __index__ = __int__


class Groups(list[G]):
    """Chains or batches, newest first, shown as a table."""

    def __init__(self, kind: str, found: Iterable[G]) -> None:
        super().__init__(found)
        self.kind = kind

    def __repr__(self) -> str:
        return str(self._repr_mimebundle_()["text/plain"])

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:  # noqa: ARG002 — IPython passes both
        from tether_lab.views.groups import table
        from tether_lab.views.mime import table_bundle

        return table_bundle(table(self.kind, [one.row for one in self], clock.now()))
