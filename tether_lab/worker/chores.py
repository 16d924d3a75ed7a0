"""What the worker does beside jobs, each at its own interval: leases, rescue, beats, checkpoints.

A chore that fails is logged and tried again; none of them may end the worker, unless the database turns
out to be damaged. Only leases matter in time: they are renewed at a third of their length, and always
before anything is rescued, so that a worker that was stopped or suspended takes its own jobs up again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tether_lab.errors import QueueCorrupt, QueueError


@dataclass(slots=True)
class Chore:
    """Something done every ``every`` seconds."""

    name: str
    every: float
    do: Callable[[], None]
    at: float = 0.0


class Chores:
    """Runs what is due."""

    def __init__(self, chores: list[Chore], log: Callable[[str], None]) -> None:
        self._chores, self._log = chores, log

    def due(self) -> float:
        return min(chore.at for chore in self._chores)

    def run(self, now: float) -> None:
        for chore in self._chores:
            if now >= chore.at:
                chore.at = now + chore.every
                try:
                    chore.do()
                except QueueCorrupt:
                    raise
                except (QueueError, OSError) as error:
                    self._log(f"{chore.name}: {error}")


class FileIdentity:
    """Notices that a file is no longer the one it was: the database under our feet, our own package."""

    def __init__(self, path: Path) -> None:
        self._path, self._found = path, path.stat()

    def changed(self) -> bool:
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return True
        return (found.st_dev, found.st_ino) != (self._found.st_dev, self._found.st_ino)
