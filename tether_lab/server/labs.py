"""The labs of this user, opened while the server runs: by uuid, each watched, its worker seen to.

A lab that cannot be opened stays in the list with the reason. The server looks for labs that appeared or
went every few seconds; it makes none unless asked.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from tether_lab.errors import LabNotFound, OptionError, QueueError, TetherLabError
from tether_lab.job import State
from tether_lab.settings import LabFolder, SettingsError, known_labs

from .live import Live

if TYPE_CHECKING:
    from logging import Logger

    from tether_lab.lab import Lab

P = ParamSpec("P")
T = TypeVar("T")

LOOK_FOR_LABS = 5.0
COUNTING = 0.05
"""Of the time: what counting all jobs of a lab may take."""
SEE_TO_WORKER, LONGEST_PAUSE = 5.0, 300.0
"""Seconds between two attempts to start a worker that is missing; doubled while that fails."""


class OpenedLab:
    """A lab that is open here: ``lab`` (its verbs block: call them with ``Labs.call``), ``live``."""

    def __init__(self, lab: Lab, tell: Callable[[dict[str, Any]], None], labs: Labs) -> None:
        self.lab, self._labs = lab, labs
        self.live = Live(lab, tell, self._looked)
        self._counted_at, self._again_at = 0.0, 0.0
        self._counts: dict[State, int] = {}
        self._counted_for = ""
        self.counts_at: int | None = None
        self._next_start, self._pause = 0.0, SEE_TO_WORKER
        self._starting: asyncio.Task[None] | None = None

    async def counts(self) -> dict[State, int]:
        """How many jobs stand where: of this moment in a small lab, of a moment ago in a huge one."""
        from tether_lab.lab import clock

        now, cursor = time.monotonic(), self.live.memory.cursor
        if cursor != self._counted_for and now >= self._again_at:
            at = clock.now()
            self._counts = await self.lab.reader.counts()
            took = time.monotonic() - now
            self._counted_for, self.counts_at = cursor, at
            self._again_at = time.monotonic() + (took / COUNTING if took > 0.02 else 0.0)
        return self._counts

    def worker_alive(self) -> bool:
        """Whether a worker holds the lab now."""
        return self.lab.worker.is_running()

    def became_own(self) -> bool:
        """Whether somebody else's lab was trusted, or its key brought, since it was opened here."""
        from tether_lab.job_queue import owner

        return self.lab.restricted and owner.is_own(self.lab.queue)

    def _looked(self) -> None:
        self._labs.looked()
        if self.live.worker_state in ("stopped", "dead") and not self.live.stopped_by_someone \
                and self.lab.waker.may_start and time.monotonic() >= self._next_start \
                and (self._starting is None or self._starting.done()):
            self._next_start = time.monotonic() + self._pause
            self._starting = asyncio.get_running_loop().create_task(self._see_to_worker())

    async def _see_to_worker(self) -> None:
        """Start a worker if it would find something to do: after a reboot, or when it died."""
        from tether_lab.job_queue import news

        try:
            if not await news.work_due(self.lab.reader):
                return
            self._labs.log.info("tether-lab: work is due in the lab %s and no worker runs: starting one",
                                self.lab.name)
            await self._labs.call(self.lab.worker.start)
            self._pause = SEE_TO_WORKER
        except TetherLabError as error:
            self._pause = min(LONGEST_PAUSE, self._pause * 2)
            self._next_start = time.monotonic() + self._pause
            self._labs.log.warning("tether-lab: %s", error.message)

    async def close(self) -> None:
        """Let go of it. Its worker goes on."""
        if self._starting is not None:
            self._starting.cancel()
        await self.live.close()
        await self._labs.call(self.lab.close)


class Labs:
    """All labs of this user. ``tell`` gets the data of each change event; ``looked`` is called often."""

    def __init__(self, tell: Callable[[dict[str, Any]], None], log: Logger,
                 looked: Callable[[], None] = lambda: None) -> None:
        self._tell, self.log, self.looked = tell, log, looked
        self._open: dict[Path, OpenedLab] = {}
        self.broken: dict[Path, TetherLabError] = {}
        self._pool = ThreadPoolExecutor(8, "tether-lab-verbs")
        self._refreshing = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    async def call(self, verb: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """A verb, whole, in one thread hop; whoever waits for it may go away, the verb does not."""
        loop = asyncio.get_running_loop()
        return await asyncio.shield(loop.run_in_executor(self._pool, lambda: verb(*args, **kwargs)))

    def start(self) -> None:
        """Look for labs from now on, on this loop."""
        self._task = asyncio.get_running_loop().create_task(self._keep_looking())

    async def close(self) -> None:
        """Let go of all of them."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        for opened in self._open.values():
            await opened.close()
        self._open.clear()
        self._pool.shutdown(wait=False)

    @property
    def running(self) -> int:
        """Jobs that run, in all labs."""
        return sum(opened.live.running for opened in self._open.values())

    def all(self) -> list[OpenedLab]:
        """Those that are open, by name."""
        return sorted(self._open.values(), key=lambda opened: opened.lab.name)

    async def get(self, uuid: str) -> OpenedLab:
        """The lab with this uuid. Raises LabNotFound, or the error that keeps it closed."""
        for _ in range(2):
            for opened in self._open.values():
                if opened.lab.uuid == uuid:
                    if opened.live.failed is not None:
                        break
                    return opened
            await self.refresh()
        raise LabNotFound(f"there is no lab {uuid}", where="lab", remedy="GET …/labs lists those there are.")

    def default(self) -> str | None:
        """The uuid of the default lab, if it is there."""
        found = self._open.get(LabFolder.of(None).path)
        return found.lab.uuid if found else None

    async def make(self, name: str | None) -> OpenedLab:
        """Open a named lab (None: the default one), made if it is not there. Raises OptionError, QueueError."""
        try:
            folder = LabFolder.of(name)
        except SettingsError as error:
            raise OptionError(error.message, remedy=error.remedy, where=error.where) from None
        async with self._refreshing:
            if folder.path not in self._open:
                await self._open_one(folder, again=True)
        if folder.path in self.broken:
            raise self.broken[folder.path]
        return self._open[folder.path]

    async def refresh(self) -> None:
        """Open labs that appeared, close those that went or failed, open those anew that were trusted."""
        async with self._refreshing:
            folders = {folder.path: folder for folder in await self.call(known_labs)}
            before = dict(self._open)
            for path, opened in list(self._open.items()):
                if path not in folders or opened.live.failed is not None or await self.call(opened.became_own):
                    del self._open[path]
                    await opened.close()
            self.broken = {path: error for path, error in self.broken.items() if path in folders}
            for path, folder in folders.items():
                if path not in self._open:
                    await self._open_one(folder)
            if before != self._open:
                for opened in self._open.values():
                    opened.live.tell_of_labs()

    async def _open_one(self, folder: LabFolder, *, again: bool = False) -> None:
        from tether_lab.lab import Lab

        if not again and not folder.exists():
            return
        try:
            lab = await self.call(Lab, folder.path)
        except TetherLabError as error:
            self.broken[folder.path] = error
            return
        except OSError as error:
            self.broken[folder.path] = QueueError(f"{folder.path}: {error}", where=str(folder.path))
            return
        self.broken.pop(folder.path, None)
        self._open[folder.path] = OpenedLab(lab, self._tell, self)
        self._open[folder.path].live.start()

    async def _keep_looking(self) -> None:
        while True:
            try:
                await self.refresh()
            except OSError as error:
                self.log.warning("tether-lab: looking for labs: %s", error)
            await asyncio.sleep(LOOK_FOR_LABS)
