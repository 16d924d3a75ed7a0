"""What the doctor looks at. Each check is a value; none of them changes anything."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tether_lab.errors import QueueCorrupt, QueueError, TetherLabError
from tether_lab.job import State
from tether_lab.settings import LabFolder, Settings, SettingsError, version

if TYPE_CHECKING:
    from tether_lab.lab import Lab

GOOD, WARNING, BAD = "good", "warning", "bad"
LARGE_LOG = 64_000_000
FILES_WITHIN = 5.0
"""Seconds for comparing large captures and results with their names."""
LITTLE_SPACE, NO_SPACE = 2_000_000_000, 200_000_000
SIGNS = {GOOD: "✔", WARNING: "!", BAD: "✘"}
AHEAD = 2.0
"""Seconds that a stored moment may lie in the future before the clock is doubted."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at. ``state`` is good, warning or bad; ``remedy`` says what to do."""

    name: str
    state: str
    text: str
    remedy: str = ""


def examine(name: str | os.PathLike[str] | None) -> Iterator[Check]:
    """Everything, in the order in which one thing rests on another. What cannot be opened ends it."""
    python = f"Python {sys.version.split()[0]} ({sys.executable})"
    yield Check("tether-lab", GOOD, f"{version()} on {python}")
    yield _system()
    yield _sqlite()
    try:
        folder = LabFolder.of(name)
        settings = Settings.load(folder)
    except SettingsError as error:
        yield Check("settings", BAD, error.message, error.remedy)
        return
    yield _settings(folder)
    yield _place(folder)
    yield _disk(folder)
    yield _guarded("permissions", lambda: _permissions(folder))
    yield _guarded("keys", _keys)
    if not folder.exists():
        yield Check("queue", WARNING, f"the lab {folder.name} does not exist yet",
                    "The first job makes it: %%job in a notebook, or tether-lab run COMMAND.")
        return
    yield _guarded("integrity", lambda: _integrity(folder))
    yield _guarded("data", lambda: _data(folder))
    yield _files(folder)
    yield _guarded("backups", lambda: _backups(folder, settings))
    from .lab import Lab

    try:
        lab = Lab(name)
    except TetherLabError as error:
        yield Check("queue", BAD, error.message, error.remedy)
        return
    yield _owner(lab)
    yield _queue(lab)
    yield _missing(lab)
    yield _holder(lab)
    yield _orphans(lab)
    yield _log(folder)
    yield _worker(lab, settings)
    yield _clock(lab)
    yield from _interpreters(lab)
    yield _modules(lab)
    lab.close()


class Examination(list[Check]):
    """Checks that show as a table. ``ok``: nothing keeps jobs from running."""

    @property
    def ok(self) -> bool:
        return all(check.state != BAD for check in self)

    def __repr__(self) -> str:
        return str(self._repr_mimebundle_()["text/plain"])

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        from tether_lab.views.mime import table_bundle
        from tether_lab.views.tables import pairs_table

        said = [(f"{SIGNS[check.state]} {check.name}", ". ".join(filter(None, (check.text, check.remedy))))
                for check in self]
        return table_bundle(pairs_table("Doctor", said))


def _guarded(name: str, check: Callable[[], Check]) -> Check:
    try:
        return check()
    except TetherLabError as error:
        return Check(name, BAD, error.message, error.remedy)


def _system() -> Check:
    if sys.platform == "win32":
        return Check("system", BAD, "Windows: jobs can be looked at here, but no worker runs",
                     "Use the Windows Subsystem for Linux (WSL).")
    if sys.platform == "darwin":
        return Check("system", WARNING, "macOS: best effort; job processes are kept spare, not forked")
    return Check("system", GOOD, f"{sys.platform}, {os.cpu_count()} cores")


def _sqlite() -> Check:
    from tether_lab.job_queue import connection

    sqlite = connection.version()
    try:
        connection.check_version()
    except TetherLabError as error:
        return Check("SQLite", BAD, error.message, error.remedy)
    if connection.exposed():
        return Check("SQLite", GOOD, f"{sqlite}; its log has a known bug (mended in 3.51.3), which "
                     "Tether Lab's guarded checkpoints avoid")
    return Check("SQLite", GOOD, sqlite)


def _settings(folder: LabFolder) -> Check:
    changed = [f"{name} = {value} ({where})" for name, (value, where) in Settings.origins(folder).items()
               if where != "default"]
    return Check("settings", GOOD, "; ".join(changed) or "all as they come")


def _place(folder: LabFolder) -> Check:
    from tether_lab.job_queue import filesystem

    there = _existing(folder.path)
    kind, mount = filesystem.kind_of(there)
    try:
        network = filesystem.check(there, allow=Settings.load(folder).allow_network_fs)
    except TetherLabError as error:
        return Check("file system", BAD, error.message, error.remedy)
    if network:
        return Check("file system", WARNING, f"{folder.path} on {kind}, a network file system, as allowed",
                     "One host alone may use this lab.")
    return Check("file system", GOOD, f"{folder.path}" + (f" ({kind} on {mount})" if kind else ""))


def _existing(path: Path) -> Path:
    return next(p for p in (path, *path.parents) if p.exists())


def _disk(folder: LabFolder) -> Check:
    free = shutil.disk_usage(_existing(folder.path)).free
    text = f"{free / 1e9:.1f} GB free"
    if free < NO_SPACE:
        return Check("disk", BAD, text, "Free some space: jobs are refused when the disk is full.")
    if free < LITTLE_SPACE:
        return Check("disk", WARNING, text, "Captures and results may need more.")
    return Check("disk", GOOD, text)


def _permissions(folder: LabFolder) -> Check:
    from tether_lab.job_queue import permissions

    if folder.path.exists():
        permissions.check(folder.path)
    return Check("permissions", GOOD, "only you can read and write the lab")


def _keys() -> Check:
    from tether_lab.vault import Vault, keys, stores

    vault = Vault.open()
    path = keys.folder() / vault.key_id
    if path.exists() and stores.is_locked(path):
        return Check("keys", BAD, f"{vault.key_id} is locked by a passphrase", "tether-lab keys unlock")
    vault.sign("doctor")
    where = f", kept in: {stores.store_of(path)}" if path.exists() else ", from TETHER_LAB_KEY_FILE"
    return Check("keys", GOOD, f"signing with {vault.key_id}{where}")


def _integrity(folder: LabFolder) -> Check:
    from tether_lab.job_queue import backup

    if why := backup.quarantined(folder.path):
        return Check("integrity", BAD, f"the queue is marked as damaged: {why}",
                     backup.refusal(folder.path, why).remedy)
    backup.check(folder.queue_db)
    return Check("integrity", GOOD, "SQLite's quick check finds nothing wrong")


def _data(folder: LabFolder) -> Check:
    """``ctx.db``, the jobs' own database: is it there, and whole?"""
    from tether_lab.job_queue import backup
    from tether_lab.runner.database import MADE

    there = folder.data_db.exists() and folder.data_db.stat().st_size
    if not there and not (folder.path / MADE).exists():
        return Check("data", GOOD, "no job has used ctx.db")
    found = "" if there else "it is empty or gone"
    try:
        found = found or backup.look_through(folder.data_db, FILES_WITHIN, users=True)
    except QueueCorrupt:
        raise
    except QueueError as error:
        return Check("data", WARNING, error.message, error.remedy)
    if found:
        damage = backup.damaged(folder.data_db, found)
        return Check("data", BAD, damage.message, damage.remedy)
    return Check("data", GOOD, f"SQLite's quick check finds nothing wrong with data.db ({there / 1e6:.1f} MB), "
                 f"{len(backup.copies(folder.path, 'data.db'))} copies")


def _files(folder: LabFolder) -> Check:
    """Captures and results that are files, compared with their names, for some seconds at most."""
    from tether_lab.capture.blobs import DAMAGED, Blobs

    until, blobs = time.monotonic() + FILES_WITHIN, Blobs(folder.blobs)
    looked, bad = 0, [path.name for path in folder.blobs.rglob(f"*{DAMAGED}")]
    for path in folder.blobs.glob("??/" + "?" * 40):
        if time.monotonic() > until:
            break
        try:
            blobs.verify(path.name)
            looked += 1
        except (TetherLabError, OSError):
            bad.append(path.name)
    if bad:
        named = ", ".join(name[:12] for name in bad[:5])
        return Check("files", BAD, f"{len(bad)} captures or results are damaged: {named}",
                     "They were set aside. Run the cells again that captured them; retry the jobs whose "
                     "results they were.")
    return Check("files", GOOD, f"{looked:,} captures and results hold what their names say")


def _backups(folder: LabFolder, settings: Settings) -> Check:
    from tether_lab.job_queue import backup

    newest = backup.newest(folder.path)
    if not newest and not settings.backup_every:
        return Check("backups", WARNING, "none, as backup_every = 0 says",
                     "tether-lab backup FOLDER makes one.")
    if not newest:
        return Check("backups", GOOD, "none yet; the worker makes the first")
    age = (time.time() - newest) / 3600
    return Check("backups", GOOD, f"{len(backup.copies(folder.path))}, the newest {age:.0f} h old")


def _owner(lab: Lab) -> Check:
    if lab.restricted:
        return Check("owner", BAD, "made with another key: shown, never run",
                     "tether-lab keys import FILE if it is yours; tether-lab trust if you know who made it.")
    return Check("owner", GOOD, "made with your key")


def _missing(lab: Lab) -> Check:
    """Captures and results that somebody removed."""
    from tether_lab.job_queue import blobs

    gone = blobs.missing(lab.queue)
    if gone:
        return Check("captures", WARNING, f"{len(gone):,} captures or results are gone from {lab.folder.blobs}",
                     "Put them back, from a backup if there is one; or run the cells again, and retry the jobs "
                     "whose results they were.")
    return Check("captures", GOOD, "each that the queue knows is there")


def _holder(lab: Lab) -> Check:
    from tether_lab.job_queue import holders

    held = holders.holder(lab.queue.path)
    return Check("write lock", GOOD, "free" if held is None else f"held now by {holders.named(lab.queue.path)}")


def _orphans(lab: Lab) -> Check:
    """Jobs that say they run, and no worker that could run them."""
    running = lab.counts().get(State.RUNNING, 0)
    if running and not lab.worker.is_running():
        return Check("orphans", WARNING, f"{running:,} jobs were running when their worker died",
                     "tether-lab worker start takes them up again.")
    return Check("orphans", GOOD, "no job without its worker")


def _queue(lab: Lab) -> Check:
    counts = lab.counts()
    waiting = sum(n for state, n in counts.items() if state in (State.PENDING, State.RETRYING))
    return Check("queue", GOOD, f"opens; {sum(counts.values()):,} jobs, {waiting:,} waiting to run, "
                 f"{counts.get(State.FAILED, 0):,} failed")


def _log(folder: LabFolder) -> Check:
    log = folder.queue_db.with_name("queue.db-wal")
    size = log.stat().st_size if log.exists() else 0
    if size > LARGE_LOG:
        return Check("log", WARNING, f"the write-ahead log has {size / 1e6:.0f} MB",
                     "Some process reads without end, or no worker ran for long: stop old kernels, then "
                     "tether-lab worker start.")
    return Check("log", GOOD, f"the write-ahead log has {size / 1e6:.1f} MB")


def _worker(lab: Lab, settings: Settings) -> Check:
    status = lab.worker.status()
    if status.running:
        stale = status.version and status.version != version()
        text = f"{status.state}, pid {status.pid}, version {status.version}"
        return Check("worker", WARNING if stale else GOOD, text,
                     "It restarts by itself when it is idle." if stale else "")
    waiting = lab.counts().get(State.PENDING, 0)
    if not settings.enabled:
        return Check("worker", WARNING, "none, as enabled = false says", "Jobs wait until it is allowed.")
    if status.state == "dead":
        return Check("worker", WARNING, f"the last one ended without saying so\n{lab.worker.log(lines=5)}",
                     "tether-lab worker start starts another, which rescues what was left.")
    if waiting:
        return Check("worker", WARNING, f"none, and {waiting:,} jobs wait", "tether-lab worker start")
    return Check("worker", GOOD, "none needed now; the next job starts one")


def _clock(lab: Lab) -> Check:
    newest = lab.rows(limit=1)
    ahead = (newest[0].updated_at / 1e6 - time.time()) if newest else 0.0
    if ahead > AHEAD:
        text = f"the newest job was changed {ahead:.0f} s from now: the clock went back"
        return Check("clock", WARNING, text,
                     "Set the clock; due times are wall-clock times (leases are not).")
    return Check("clock", GOOD, time.strftime("%Y-%m-%d %H:%M:%S %Z"))


def _modules(lab: Lab) -> Check:
    """What installed packages contributed when they were registered last."""
    from tether_lab.job_queue import contributed

    known = contributed.known(lab.queue)
    failed = [f"{one.name} of {one.package} {one.version}: {one.error}" for one in known.modules if one.error]
    if known.failed:
        return Check("modules", WARNING, "; ".join([*failed, *filter(None, [known.trouble])]),
                     "Mend or remove the package; tether-lab modules tries again, and so does the next worker.")
    said = ", ".join(f"{one.name} ({one.package} {one.version})" for one in known.modules)
    return Check("modules", GOOD, said or "no installed package contributes any")


def _interpreters(lab: Lab) -> Iterator[Check]:
    """Heads that cannot be read, or whose Python is gone: their next job would fail."""
    gone: dict[str, list[str]] = {}
    handlers = lab.handlers()
    for handler in handlers:
        try:
            where = lab.version(handler.head).interpreter.executable
        except TetherLabError as error:
            yield Check("handlers", BAD, f"{handler.key}: {error.message}", error.remedy)
            continue
        if not Path(where).exists():
            gone.setdefault(where, []).append(handler.key)
    for where, keys in gone.items():
        yield Check("handlers", WARNING, f"{where} is gone, which {', '.join(keys[:5])} came from",
                    "Run their cells again in an environment that exists.")
    if not gone:
        yield Check("handlers", GOOD, f"{len(handlers)} registered, their interpreters exist")
