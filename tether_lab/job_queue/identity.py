"""Which database this is: its uuid stands inside and in a file beside it.

A zero-length file opens as a valid empty database. Without the second place, a truncated or removed
queue would become an empty one in silence.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from tether_lab.errors import ForeignDatabase, QueueCorrupt

NAME = "queue.uuid"


def remembered(folder: Path) -> str | None:
    """The uuid that a database had here, or None if there never was one."""
    try:
        return (folder / NAME).read_text("ascii", "replace").strip() or None
    except FileNotFoundError:
        return None


def refuse_empty(database: Path) -> None:
    """Raises QueueCorrupt if there is no queue where there was one."""
    if remembered(database.parent) is not None:
        what = "is empty" if database.exists() else "is gone"
        raise QueueCorrupt(
            f"{database} {what}, but this folder had a queue. Nothing was written.", where=str(database),
            remedy=f"Put the newest file of {database.parent / 'backups'} in its place, or, to start with an "
                   f"empty queue, remove {database.parent / NAME}.")


def agree(database: Path, uuid: str) -> None:
    """Remember the uuid; raises ForeignDatabase if another database was here."""
    folder = database.parent
    found = remembered(folder)
    if found is None:
        _remember(folder, uuid)
    elif found != uuid:
        raise ForeignDatabase(
            f"{database} is another lab's queue ({uuid}; this folder's was {found})", where=str(database),
            remedy=f"Put the right file back, or, if the exchange is meant, remove {folder / NAME}.")


def _remember(folder: Path, uuid: str) -> None:
    aside = folder / f".{NAME}.{os.getpid()}"
    with contextlib.suppress(FileNotFoundError):
        aside.unlink()
    handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(uuid + "\n")
        file.flush()
        os.fsync(file.fileno())
    aside.rename(folder / NAME)
