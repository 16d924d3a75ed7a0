"""A whole lab into a folder, while it works; and back."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tether_lab.errors import BadRequest, QueueCorrupt, QueueError, TetherLabError
from tether_lab.settings import LabFolder, make_private

if TYPE_CHECKING:
    from .lab import Lab

ABOUT = "backup.json"


def backup(lab: Lab, path: str | os.PathLike[str]) -> Path:
    """Both databases at one moment each, captures and results, the lab's settings; never keys.

    Raises BadRequest if there is something at ``path`` already.
    """
    from tether_lab.job_queue import backup as copying
    from tether_lab.settings import version

    target = Path(path).expanduser().absolute()
    if target.exists():
        raise BadRequest(f"{target} is there already", where=str(target), remedy="Choose a new folder.")
    make_private(target.parent)
    aside = target.with_name(f".{target.name}.{os.getpid()}")
    aside.mkdir(mode=0o700)
    try:
        copying.copy(lab.folder.queue_db, aside / "queue.db", network=lab.queue.network)
        if lab.folder.data_db.exists():
            copying.copy(lab.folder.data_db, aside / "data.db", network=lab.queue.network)
        _copy_files(lab.folder.blobs, aside / "blobs")
        for name in ("settings.toml", "queue.uuid"):
            if (lab.folder.path / name).exists():
                shutil.copy2(lab.folder.path / name, aside / name)
        (aside / ABOUT).write_text(json.dumps({
            "lab": lab.name, "uuid": lab.uuid, "made_at": time.time(), "tether_lab": version()}))
        for file in (file for file in aside.iterdir() if file.is_file()):
            file.chmod(0o600)
        aside.rename(target)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return target


@dataclass(frozen=True, slots=True)
class Restored:
    """From which copy, how many jobs it has, and where the files are that were there before."""

    source: Path
    jobs: int
    aside: tuple[Path, ...]


def restore(name: str | os.PathLike[str] | None, source: str | os.PathLike[str] | None = None, *,
            data: bool = False) -> Restored:
    """Put a copy in the place of a lab's queue, or with ``data`` of its ``ctx.db``: ``source`` is a folder that
    ``backup`` made or a database; without one, the newest good copy that the lab itself has made.

    What ran or waited then, runs or waits again. Raises BadRequest while a worker runs.
    """
    from tether_lab.job_queue import backup as copying

    folder = LabFolder.of(name)
    folder.create()
    with _nobody_works(folder):
        chosen = _source(folder, source, folder.data_db.name if data else folder.queue_db.name)
        if data:
            return Restored(chosen, 0, tuple(copying.put_back(folder.path, chosen, folder.data_db.name)))
        _, jobs = copying.check(chosen)
        aside = copying.put_back(folder.path, chosen)
        beside = chosen.parent
        if (beside / ABOUT).exists():
            _copy_files(beside / "blobs", folder.blobs)
            if (beside / "data.db").exists() and not folder.data_db.exists():
                shutil.copy2(beside / "data.db", folder.data_db)
    return Restored(chosen, jobs, tuple(aside))


def copies(name: str | os.PathLike[str] | None, *, data: bool = False) -> Iterator[tuple[Path, str]]:
    """The copies that a lab has made itself, the newest first, and what is wrong with each ("": nothing)."""
    from tether_lab.job_queue import backup as copying

    folder = LabFolder.of(name)
    for path in copying.copies(folder.path, (folder.data_db if data else folder.queue_db).name):
        try:
            if not data:
                copying.check(path)
            else:
                _whole(path)
        except TetherLabError as error:
            yield path, error.message
        else:
            yield path, ""


def _source(folder: LabFolder, source: str | os.PathLike[str] | None, of: str) -> Path:
    if source is not None:
        path = Path(source).expanduser().absolute()
        path = path / of if path.is_dir() else path
        if not path.exists():
            raise BadRequest(f"there is no copy {path}", where=str(path),
                             remedy="Name a folder that tether-lab backup made, or a file of backups/.")
        if of == folder.data_db.name:
            _whole(path)
        return path
    data = of == folder.data_db.name
    for path, wrong in copies(folder.path, data=data):
        if not wrong:
            return path
    remedy = "Name one: tether-lab restore FOLDER."
    if data:
        remedy = ("Name one: tether-lab restore --data FOLDER. "
                  f"To begin with an empty one: rm {folder.path / 'data.made'}")
    raise QueueCorrupt(f"{folder.path / 'backups'} has no good copy of {of}", where=str(folder.path),
                       remedy=remedy)


def _whole(database: Path) -> None:
    """Raises QueueCorrupt unless it is a database, and SQLite finds nothing wrong with it, as far as it can
    say: what only the user's code knows of it is no damage."""
    from tether_lab.job_queue import backup as copying

    found = "" if database.stat().st_size else "it is empty"
    try:
        found = found or copying.look_through(database, float("inf"), users=True)
    except QueueCorrupt:
        raise
    except QueueError:
        return
    if found:
        raise copying.damaged(database, found)


@contextlib.contextmanager
def _nobody_works(folder: LabFolder) -> Iterator[None]:
    """Hold the worker's lock."""
    from tether_lab.worker.lock import SupervisorLock

    held = SupervisorLock.take(folder.run)
    if held is None:
        raise BadRequest("a worker works with this lab", where=str(folder.path),
                         remedy="Stop it first: tether-lab worker stop.")
    try:
        yield
    finally:
        held.release()


def _copy_files(source: Path, target: Path) -> None:
    """Blobs: what is there already is the same."""
    make_private(target)
    if not source.is_dir():
        return
    for path in source.rglob("*"):
        place = target / path.relative_to(source)
        if path.is_file() and not path.name.startswith(".") and not place.exists():
            make_private(place.parent)
            with contextlib.suppress(FileNotFoundError):      # pruned meanwhile: nobody needs it
                shutil.copyfile(path, place)
                place.chmod(0o600)

