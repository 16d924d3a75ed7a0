"""Where things lie: the home of labs, the folder of one, the user's keys and settings."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PREFIX = "TETHER_LAB_"
DEFAULT_LAB = "default"
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")


class SettingsError(ValueError):
    """A setting that does not exist or has a wrong value; ``where`` names the file or variable.

    Not part of the tree in ``errors``, which this module may not know: ``Lab`` and the command
    line turn it into an OptionError with the same words.
    """

    def __init__(self, message: str, *, remedy: str = "", where: str = "") -> None:
        self.message, self.remedy, self.where = message, remedy, where
        super().__init__(message if not remedy else f"{message}\n{remedy}")


def home() -> Path:
    """The folder that named labs live in: ``TETHER_LAB_HOME``, else the user's state folder."""
    return _place("HOME", "XDG_STATE_HOME", ".local/state")


def config_folder() -> Path:
    """The folder of the user's keys and ``settings.toml``; never inside a lab."""
    return _place("CONFIG", "XDG_CONFIG_HOME", ".config")


def _place(variable: str, xdg: str, below_home: str) -> Path:
    """The same folders that platformdirs names, without the milliseconds of importing it."""
    if chosen := os.environ.get(PREFIX + variable):
        return Path(chosen).expanduser().absolute()
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "tether-lab"
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA")
        return (Path(local) if local else Path.home() / "AppData" / "Local") / "tether-lab"
    chosen = os.environ.get(xdg, "")
    base = Path(chosen) if chosen.startswith("/") else Path.home() / below_home
    return base / "tether-lab"


@dataclass(frozen=True, slots=True)
class LabFolder:
    """Where one lab lies. Making the value touches nothing on disk; ``create`` does."""

    path: Path

    @classmethod
    def of(cls, lab: str | os.PathLike[str] | None = None) -> LabFolder:
        """The folder of a lab given by name (``"thesis"``), by path (anything with a slash, or a
        ``Path``), or by nothing (``TETHER_LAB_NAME``, else ``default``)."""
        if lab is None:
            lab = os.environ.get(PREFIX + "NAME") or DEFAULT_LAB
        if isinstance(lab, str) and not ("/" in lab or os.sep in lab or lab.startswith((".", "~"))):
            if not _NAME.fullmatch(lab):
                raise SettingsError(
                    f"{lab!r:.80} is not the name of a lab", where="lab",
                    remedy="Use up to 64 letters, digits, '_', '-' or '.', or a path with a slash.")
            return cls(home() / "labs" / lab)
        return cls(Path(lab).expanduser().absolute())

    @property
    def name(self) -> str:
        """The name for a lab below ``home()``, the full path for one elsewhere."""
        return self.path.name if self.path.parent == home() / "labs" else str(self.path)

    @property
    def queue_db(self) -> Path:
        return self.path / "queue.db"

    @property
    def data_db(self) -> Path:
        return self.path / "data.db"

    @property
    def blobs(self) -> Path:
        return self.path / "blobs"

    @property
    def run(self) -> Path:
        return self.path / "run"

    @property
    def log(self) -> Path:
        return self.path / "log"

    @property
    def worker_log(self) -> Path:
        return self.log / "worker.log"

    @property
    def lock(self) -> Path:
        """Held (flock) by the one worker of this lab."""
        return self.run / "supervisor.lock"

    @property
    def address(self) -> Path:
        """A text file with the path of the worker's datagram socket."""
        return self.run / "address"

    @property
    def settings_file(self) -> Path:
        return self.path / "settings.toml"

    def exists(self) -> bool:
        return self.queue_db.exists()

    def create(self) -> LabFolder:
        """Make what is missing, private to this user; a lab elsewhere enters ``labs.json``."""
        for folder in (self.path, self.blobs, self.run, self.log):
            make_private(folder)
        if self.path.parent != home() / "labs":
            _remember(self.path)
        return self


def make_private(folder: Path) -> None:
    """Make a folder and its missing parents with mode 0700. Existing ones are left as they are:
    whether they are safe is the queue's check, which refuses instead of repairing."""
    if folder.is_dir():
        return
    make_private(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)


def known_labs() -> list[LabFolder]:
    """Every lab this user has opened and that still exists: below ``home()``, then elsewhere."""
    named = sorted((home() / "labs").glob("*")) if (home() / "labs").is_dir() else []
    found = [LabFolder(path) for path in [*named, *_elsewhere()]]
    return [folder for folder in found if folder.exists()]


def _elsewhere() -> list[Path]:
    try:
        listed = json.loads((home() / "labs.json").read_text("utf-8"))["labs"]
        return [Path(path) for path in listed if isinstance(path, str)]
    except (OSError, ValueError, KeyError, TypeError):
        return []                   # a registry for convenience: losing it loses no lab


def _remember(path: Path) -> None:
    if path in _elsewhere():
        return
    make_private(home())
    with _registry_lock():
        paths = _elsewhere()
        if path in paths:
            return
        fresh = home() / f"labs.json.{os.getpid()}"
        text = json.dumps({"labs": [*map(str, paths), str(path)]}, indent=1)
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(text)
        fresh.replace(home() / "labs.json")


@contextmanager
def _registry_lock() -> Iterator[None]:
    if sys.platform == "win32":
        yield
        return
    import fcntl

    handle = os.open(home() / "labs.json.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
