"""What keeps a lab's databases: a look through them after a bad end and before each copy, and the daily copies.

In a thread, where SQLite lets go of the interpreter. A queue that is found damaged is told to the worker's
loop, which marks it and ends; a damaged ``data.db`` is told in the log and by the doctor, and what does not use
it goes on. Of what is damaged no copy is made: the good ones stay.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

from tether_lab.errors import QueueCorrupt, QueueError
from tether_lab.job_queue import backup
from tether_lab.job_queue.queue import Queue

WITHIN = 10.0
"""Seconds for looking through a database: some million jobs."""
LARGE_DATA = 2_000_000_000
"""Bytes of ``data.db`` from which it is copied by ``tether-lab backup`` only."""


class Copies:
    """``tell`` raises what was found; ``due`` is to be called now and then."""

    def __init__(self, queue: Queue, log: Callable[[str], None]) -> None:
        self._queue, self._log = queue, log
        self._folder = queue.folder
        self._thread: threading.Thread | None = None
        self._damage: QueueCorrupt | None = None

    def tell(self) -> None:
        """Raises QueueCorrupt if the queue was found damaged."""
        if self._damage is not None:
            raise self._damage

    def look_through(self) -> None:
        """After a worker that ended without saying so: is everything whole?"""
        self._begin(lambda: self._whole(self._folder.queue_db) and self._whole(self._folder.data_db))

    def due(self) -> None:
        """Copies, if the newest are old."""
        every = self._queue.settings.backup_every
        if every and (self._old(self._folder.path, every) or self._data_changed(every)):
            self._begin(lambda: self._copy(every))

    def _begin(self, do: Callable[[], object]) -> None:
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=do, name="tether-lab-copies", daemon=True)
            self._thread.start()

    def _whole(self, database: Path) -> bool:
        """Whether nothing is wrong with it, as far as there was time to look."""
        if self._queue.network or not database.exists():
            return True
        try:
            found = backup.look_through(database, WITHIN, users=database != self._folder.queue_db)
        except QueueCorrupt as error:
            found = str(error.__cause__)
        except (QueueError, OSError) as error:
            self._log(f"{database.name} was not looked through: {error}")
            return True
        if not found:
            return True
        damage = backup.damaged(database, found)
        self._log(f"{damage.message}. {damage.remedy}")
        if database == self._folder.queue_db:
            self._damage = damage
        return False

    def _copy(self, every: float) -> None:
        for database, old in ((self._folder.queue_db, self._old(self._folder.path, every)),
                              (self._folder.data_db, self._data_changed(every))):
            if not old or not self._whole(database):
                continue
            try:
                path = backup.daily(self._folder.path, database, network=self._queue.network)
                self._log(f"{database.name} was copied to {path}")
            except (QueueError, OSError) as error:
                self._log(f"backup: {error}")

    @staticmethod
    def _old(folder: Path, every: float, of: str = "queue.db") -> bool:
        return time.time() - backup.newest(folder, of) >= every

    def _data_changed(self, every: float) -> bool:
        """Whether ``data.db`` has something that no copy has, and is small enough to be copied each day."""
        files = [path for end in ("", "-wal") if (path := self._folder.path / f"data.db{end}").exists()]
        newest = backup.newest(self._folder.path, "data.db")
        return (bool(files) and 0 < sum(path.stat().st_size for path in files) < LARGE_DATA
                and max(path.stat().st_mtime for path in files) > newest and time.time() - newest >= every)
