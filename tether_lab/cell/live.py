"""Keeps the cards that this kernel has shown true, from one daemon thread.

The thread starts with the first unfinished card and ends with the last; between, it sleeps until
the queue changes. It never prints: a card is updated by its display id, which reaches the right
output from any thread. Status changes show at once, progress at most every two seconds, and a card
that has nothing new to say only refreshes its clock, ever more rarely.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tether_lab.job_queue.watch import Changes
    from tether_lab.lab import Job
    from tether_lab.views.board import Snapshot

PROGRESS_EVERY = 2.0
"""Seconds between two updates of a card that only progress asks for."""
LOOK_EVERY = 0.2
"""Seconds between two looks at the queue, however often it changes."""
SLOWEST = 60.0
"""Seconds after which a running card's clock is refreshed at the latest."""
PATIENCE = 20
"""Failures in a row after which a card is left as it stands."""

_log = logging.getLogger("tether_lab")


@dataclass
class Shown:
    """One displayed card. ``said`` is what its status looked like when it was last drawn."""

    job: Job
    display_id: str
    notices: tuple[str, ...] = ()
    said: tuple[object, ...] = ()
    progress: str | None = None
    drawn: float = 0.0
    rest: float = PROGRESS_EVERY
    failures: int = 0
    final: bool = field(default=False)


class LiveCards:
    """The cards shown in this kernel. ``update(display_id, snapshot)`` redraws one."""

    def __init__(self, update: Callable[[str, Snapshot], None]) -> None:
        self._update = update
        self._cards: dict[str, Shown] = {}
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._fresh = threading.Event()

    def add(self, shown: Shown, snapshot: Snapshot) -> None:
        """Keep a card true from now on; ``snapshot`` is what it shows already."""
        _remember(shown, snapshot, time.monotonic())
        if shown.final:
            return
        with self._lock:
            self._cards[shown.display_id] = shown
            self._fresh.set()
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="tether-lab cards", daemon=True)
                self._thread.start()

    @property
    def is_running(self) -> bool:
        """Whether the thread lives."""
        return self._thread is not None and self._thread.is_alive()

    def forget(self) -> None:
        """Update no card any more."""
        with self._lock:
            self._cards.clear()
            self._fresh.set()

    def _run(self) -> None:
        waiters: dict[str, Changes] = {}
        try:
            while cards := self._unfinished():
                self._listen(waiters, cards)        # before looking: no change falls in between
                for shown in cards:
                    self._look(shown)
                self._wait(list(waiters.values()))
        finally:
            for waiter in waiters.values():
                waiter.close()

    def _unfinished(self) -> list[Shown]:
        """What is left to do; with nothing left the thread takes its leave, under the lock, so that
        a card added at this moment starts the next one."""
        with self._lock:
            self._cards = {name: shown for name, shown in self._cards.items() if not shown.final}
            if not self._cards:
                self._thread = None
            self._fresh.clear()
            return list(self._cards.values())

    def _look(self, shown: Shown) -> None:
        now = time.monotonic()
        try:
            row = shown.job.row
            moved = _signature(row) != shown.said
            since = now - shown.drawn
            if moved or (row.progress != shown.progress and since >= PROGRESS_EVERY) or (
                    since >= shown.rest and row.state == "running"):
                snapshot = shown.job.snapshot()
                self._update(shown.display_id, replace(snapshot, notices=shown.notices))
                _remember(shown, snapshot, now)
            shown.failures = 0
        except Exception as error:  # noqa: BLE001 — a chore: a card that cannot be drawn harms nobody
            shown.failures += 1
            shown.final = shown.failures >= PATIENCE
            _log.debug("card %s of job %s: %r", shown.display_id, shown.job.id, error)

    def _listen(self, waiters: dict[str, Changes], cards: list[Shown]) -> None:
        """One waiter for each lab that still has unfinished cards."""
        labs = {str(shown.job.lab.folder.path): shown.job.lab for shown in cards}
        for name in waiters.keys() - labs.keys():
            waiters.pop(name).close()
        for name in labs.keys() - waiters.keys():
            try:
                waiters[name] = labs[name].changes()
            except Exception as error:  # noqa: BLE001 — a chore, as above
                _log.debug("watching %s: %r", name, error)

    def _wait(self, waiters: list[Changes]) -> None:
        """Until something changed, a new card came, or it is time to refresh a clock."""
        begun = time.monotonic()
        patience = PROGRESS_EVERY if len(waiters) == 1 else 0.5
        for waiter in waiters:
            if self._fresh.is_set():
                break
            try:
                waiter.wait(patience)
            except Exception as error:  # noqa: BLE001 — a chore, as above
                _log.debug("waiting for changes: %r", error)
                self._fresh.wait(patience)
        rest = LOOK_EVERY - (time.monotonic() - begun)
        if rest > 0:
            self._fresh.wait(rest)


def _signature(row: Any) -> tuple[object, ...]:
    """What a card must follow at once."""
    return row.state, row.epoch, row.attempt, row.waits_for, row.cancel_requested_at, row.run_at


def _remember(shown: Shown, snapshot: Snapshot, now: float) -> None:
    row = snapshot.row
    said = _signature(row)
    quiet = said == shown.said and row.progress == shown.progress
    shown.rest = min(SLOWEST, shown.rest * 2) if quiet else PROGRESS_EVERY
    shown.said, shown.progress, shown.drawn, shown.final = said, row.progress, now, row.is_final
