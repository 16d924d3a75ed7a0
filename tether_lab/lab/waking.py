"""After a commit: wake the worker, or see to it that there is one."""

from __future__ import annotations

import threading
import time

from tether_lab.errors import WorkerError
from tether_lab.settings import LabFolder, Settings
from tether_lab.worker import lock, spawn
from tether_lab.worker.wake import Sender

PATIENCE = 3.0
"""Seconds that a worker started in the background has to show itself."""


class Waker:
    """Holds what one lab knows of its worker's start; safe from several threads."""

    def __init__(self, folder: LabFolder, settings: Settings) -> None:
        self._folder, self._settings = folder, settings
        self._sender = Sender(folder.run)
        self._started_at = float("-inf")
        self._before: lock.Identity | None = None
        self._thread: threading.Thread | None = None

    @property
    def may_start(self) -> bool:
        return self._settings.autostart and self._settings.enabled

    @property
    def on_its_way(self) -> bool:
        """Whether this process has just started a worker that may not be there yet. One that came and is
        gone again (stopped, killed) is not on its way, however short ago it was started."""
        if time.monotonic() - self._started_at >= PATIENCE:
            return False
        run = self._folder.run
        return _worker(lock.last(run)) == _worker(self._before) or lock.is_held(run)

    def wake(self) -> None:
        """A datagram; where nobody listens, start a worker without waiting for it.

        A lost datagram costs nothing but time: the worker also listens to the folder.
        """
        if not self._sender.send() and self.may_start:
            self._start_in_background()

    def nudge(self) -> None:
        """A datagram to a worker that is there: for what needs none to be true, such as a cancel."""
        self._sender.send()

    def _start_in_background(self) -> None:
        if self.on_its_way:
            return
        self._note_start()
        # Not a daemon: a script that enqueues and ends has its worker started all the same.
        self._thread = threading.Thread(target=self._start, name="tether-lab-start")
        self._thread.start()

    def _start(self) -> None:
        try:
            spawn.start(self._folder, self._settings, wait=False)
        except (WorkerError, OSError):
            return                  # who waits for the job starts it again, and hears why it fails

    def ensure(self) -> None:
        """For those who wait: a worker that listens. Raises WorkerDidNotStart with its log's end."""
        if not self.may_start or spawn.is_running(self._folder) or self.on_its_way:
            return
        self._note_start()
        spawn.start(self._folder, self._settings)

    def _note_start(self) -> None:
        self._before = lock.last(self._folder.run)
        self._started_at = time.monotonic()

    def join(self) -> None:
        """Wait for a start under way."""
        if self._thread is not None:
            self._thread.join()


def _worker(identity: lock.Identity | None) -> str | None:
    return None if identity is None else identity.worker
