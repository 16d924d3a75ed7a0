"""Away with jobs whose time is over, and with blobs that nobody refers to: rows first, then the files
that no row knows any more.

A capture stores its files before the transaction that refers to them, and renews the time of those
that are there already. So only files that nobody touched for a day go, and each is moved aside and
looked at once more before it does: who renewed it in between gets it back.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tether_lab.job_queue import blobs, prune as jobs
from tether_lab.job_queue.queue import Queue
from tether_lab.settings import Settings

EVERY = 3600.0
TOGETHER = 500
"""Digests asked for in one statement."""
MOST_ROUNDS = 50
"""Of making room, each time."""


@dataclass(frozen=True, slots=True)
class Pruned:
    """How many jobs and files went (or would go)."""

    jobs: int = 0
    files: int = 0


def prune_jobs(queue: Queue, settings: Settings, now: int, *, older_than: float | None = None,
               dry_run: bool = False) -> int:
    """Remove ended jobs older than the settings say (``older_than``: seconds, for all of them), then the
    oldest while captures and results take more room than ``retention_size``. How many went, or would."""
    kept, failed = settings.retention, settings.retention_failed
    if older_than is not None:
        kept = failed = older_than
    gone = 0
    for ids in jobs.old(queue, now - round(kept * 1e6), now - round(failed * 1e6)):
        gone += len(ids) if dry_run else _gone(queue, ids)
    if not dry_run:
        jobs.versions(queue, now - round(kept * 1e6))
    for _ in range(MOST_ROUNDS if not dry_run and older_than is None else 0):
        if jobs.blob_bytes(queue) <= settings.retention_size or not (some := _gone(queue, jobs.oldest(queue))):
            break
        gone += some
        jobs.versions(queue, now - blobs.KEPT)
    return gone


def _gone(queue: Queue, ids: list[int]) -> int:
    """Remove these, and the folders they had."""
    removed = jobs.remove(queue, ids) if ids else []
    for job_id in removed:
        shutil.rmtree(queue.folder.path / "jobs" / str(job_id), ignore_errors=True)
    return len(removed)


def prune(queue: Queue, now: int, *, kept: int = blobs.KEPT) -> int:
    """Remove what nobody refers to and nobody touched for ``kept`` µs before ``now`` (UTC µs); the
    number of files that went."""
    blobs.prune_blobs(queue, now, kept=kept)
    before = (now - kept) / 1e6
    old = (path for path in _files(queue.folder.blobs) if _time(path) < before)
    gone = 0
    while some := list(itertools.islice(old, TOGETHER)):
        wanted = blobs.known(queue, [path.name for path in some])
        gone += sum(_remove(path, before) for path in some if path.name not in wanted)
    return gone


def _files(folder: Path) -> Iterator[Path]:
    """Blobs, and what an interrupted capture left without a name."""
    with contextlib.suppress(FileNotFoundError):
        for entry in os.scandir(folder):
            if entry.is_dir(follow_symlinks=False):
                yield from (Path(inner.path) for inner in os.scandir(entry.path))
            else:
                yield Path(entry.path)


def _time(path: Path) -> float:
    try:
        return path.lstat().st_mtime
    except FileNotFoundError:
        return float("inf")


def _remove(path: Path, before: float) -> bool:
    aside = path.with_name(f".{path.name.lstrip('.')}.gone")
    try:
        path.replace(aside)
    except FileNotFoundError:
        return False
    if _time(aside) >= before:
        aside.replace(path)
        return False
    aside.unlink()
    return True
