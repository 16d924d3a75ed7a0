"""Settings and places: read once at an edge, passed down as one frozen value.

A value comes from the first of: an argument, the environment (``TETHER_LAB_RUNNERS=2``), the lab's
``settings.toml``, the user's ``settings.toml``, the default. Three variables are places, not
settings: ``TETHER_LAB_HOME`` (where labs live), ``TETHER_LAB_CONFIG`` (keys and the user's file)
and ``TETHER_LAB_NAME`` (the lab meant when none is named).

Standard library only: every process imports this before it knows whether it needs anything else.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import Any

PREFIX = "TETHER_LAB_"
DEFAULT_LAB = "default"
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")
_SECONDS = {"ms": 1e-3, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_BYTES = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}


class SettingsError(ValueError):
    """A setting that does not exist or has a wrong value; ``where`` names the file or variable.

    Not part of the tree in ``errors``, which this module may not know: ``Lab`` and the command
    line turn it into an OptionError with the same words.
    """

    def __init__(self, message: str, *, remedy: str = "", where: str = "") -> None:
        self.message, self.remedy, self.where = message, remedy, where
        super().__init__(message if not remedy else f"{message}\n{remedy}")


def version() -> str:
    """The version of this package. The package itself says it, but imports the rooms (lazily), so no
    room may import it back."""
    return str(sys.modules["tether_lab"].__version__)


# -- places -------------------------------------------------------------------------------------


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


# -- reading one value --------------------------------------------------------------------------


def _whole(value: Any, low: int, high: int) -> int:
    if isinstance(value, str):
        value = int(value.strip())
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ValueError(value)
    return value


def _duration(value: Any, low: float, high: float) -> float:
    if isinstance(value, str):
        found = re.fullmatch(r"\s*([\d.]+)\s*(ms|min|s|m|h|d|)\s*", value.lower())
        if found is None:
            raise ValueError(value)
        value = float(found[1]) * _SECONDS[found[2] or "s"]
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise ValueError(value)
    return float(value)


def _size(value: Any, low: int, high: int) -> int:
    if isinstance(value, str):
        found = re.fullmatch(r"\s*([\d.]+(?:[eE]\d+)?)\s*([KMGT]?)B?\s*", value.upper())
        if found is None:
            raise ValueError(value)
        value = float(found[1]) * _BYTES[found[2]]
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise ValueError(value)
    return int(value)


def _truth(value: Any) -> bool:
    word = str(value).strip().lower()
    if word not in ("1", "true", "yes", "on", "0", "false", "no", "off"):
        raise ValueError(value)
    return word in ("1", "true", "yes", "on")


def _word(value: Any, *accepted: str) -> str:
    if value not in accepted:
        raise ValueError(value)
    return str(value)


def _modules(value: Any) -> tuple[str, ...]:
    given = value.split(",") if isinstance(value, str) else list(value)
    names = [str(name).strip() for name in given if str(name).strip()]
    if not all(part.isidentifier() for name in names for part in name.split(".")):
        raise ValueError(value)
    return tuple(names)


def _weights(value: Any) -> tuple[str, ...]:
    pairs = [p.split("=") for p in value.split(",")] if isinstance(value, str) else dict(value).items()
    if not all(name.strip() and 0.001 <= float(weight) <= 1e6 for name, weight in pairs):
        raise ValueError(value)
    return tuple(f"{name.strip()}={float(weight):g}" for name, weight in pairs)


def _number(default: int, low: int, high: int, says: str) -> Any:
    return field(default=default, metadata={"read": partial(_whole, low=low, high=high), "help": says,
                                            "takes": f"a whole number from {low} to {high}"})


def _time(default: float, low: float, high: float, says: str) -> Any:
    return field(default=default, metadata={
        "read": partial(_duration, low=low, high=high), "help": says,
        "takes": f"seconds from {low:g} to {high:g}, or a text such as 30s, 10m, 1h"})


def _bytes(default: int, says: str, low: int = 1000, high: int = 10**15) -> Any:
    return field(default=default, metadata={"read": partial(_size, low=low, high=high), "help": says,
                                            "takes": "a size in bytes, or a text such as 250KB, 50MB, 2GB"})


def _flag(default: bool, says: str) -> Any:
    return field(default=default, metadata={"read": _truth, "help": says, "takes": "true or false"})


def _choice(default: str, other: str, says: str) -> Any:
    return field(default=default, metadata={"read": lambda value: _word(value, default, other),
                                            "help": says, "takes": f"{default} or {other}"})


# -- the settings -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Settings:
    """How a lab behaves. Durations in seconds, sizes in bytes (powers of 1000)."""

    runners: int = field(default_factory=lambda: min(4, os.cpu_count() or 1), metadata={
        "read": partial(_whole, low=1, high=1000), "help": "Jobs that may run at once.",
        "takes": "a whole number from 1 to 1000"})
    cancel_grace: float = _time(10.0, 0.0, 86400.0, "From the request to cancel to the kill.")
    drain_grace: float = _time(30.0, 0.0, 86400.0, "From the stop of the worker to the kill of its jobs.")
    lease: float = _time(30.0, 1.0, 3600.0, "How long a claim lasts unrenewed.")
    crash_budget: int = _number(3, 1, 1000, "Crashes of a job before it is given up.")
    fallback_poll: float = _time(1.0, 0.05, 60.0, "How often to look without being woken.")
    claim_batch: int = _number(100, 1, 10_000, "Jobs claimed in one transaction at most.")
    durability: str = _choice("power", "process", "What an accepted job survives: a power cut, or a crash.")
    payload_warn: int = _bytes(1_000_000, "Payloads above this are mentioned.")
    payload_limit: int = _bytes(16_000_000, "Payloads above this are refused.", high=256 * 10**6)
    capture_warn: int = _bytes(50_000_000, "Captures above this are mentioned.")
    capture_limit: int = _bytes(2_000_000_000, "Captures above this are refused.")
    result_limit: int = _bytes(2_000_000_000, "Results above this are not stored.")
    output_head: int = _bytes(1_000_000, "Text kept from the start of a job's output.")
    output_tail: int = _bytes(250_000, "Text kept from the end of a job's output.")
    autostart: bool = _flag(True, "Start the worker when there is work and none runs.")
    enabled: bool = _flag(True, "Whether a worker may start at all; jobs can be enqueued either way.")
    start_method: str = _choice("fork" if sys.platform == "linux" else "spare",
                                "spare" if sys.platform == "linux" else "fork",
                                "How job processes are made: forked from a warm one, or kept spare.")
    idle_zygote: float = _time(600.0, 0.1, 10 * 86400.0, "Rest after which a zygote gives its memory back.")
    idle_worker: float = _time(3600.0, 0.1, 366 * 86400.0, "Rest after which the worker itself ends.")
    preload: tuple[str, ...] = field(default=(), metadata={
        "read": _modules, "takes": "names of modules, as in [\"numpy\", \"pandas\"] or numpy,pandas",
        "help": "Libraries that job processes have imported before their job starts."})
    queue_weights: tuple[str, ...] = field(default=(), metadata={
        "read": _weights, "takes": "weights from 0.001 to 1e6, as in {high = 20, mine = 2} or high=20,mine=2",
        "help": "Shares of queues (critical 100, high 10, low 0.1; default and others 1)."})
    allow_network_fs: bool = _flag(False, "Open labs on network file systems, at your own risk.")

    @classmethod
    def load(cls, folder: LabFolder, **overrides: object) -> Settings:
        """The settings of a lab. ``None`` overrides are left out. Raises SettingsError naming the
        file or variable, the value and what is accepted."""
        return cls(**{name: value for name, (value, _) in _gather(folder, overrides).items()})

    def environ(self) -> dict[str, str]:
        """The variables that give another process these settings: all that differ from the default."""
        changed = {name: getattr(self, name) for name in _FIELDS
                   if getattr(self, name) != getattr(Settings(), name)}
        return {PREFIX + name.upper(): ",".join(value) if isinstance(value, tuple) else str(value)
                for name, value in changed.items()}

    @classmethod
    def origins(cls, folder: LabFolder, **overrides: object) -> dict[str, tuple[object, str]]:
        """Every setting with its value and the place it came from, for people who wonder."""
        found = _gather(folder, overrides)
        settings = cls(**{name: value[0] for name, value in found.items()})
        return {f.name: (getattr(settings, f.name), found[f.name][1] if f.name in found else "default")
                for f in fields(cls)}


_FIELDS = {f.name: f for f in fields(Settings)}


def _gather(folder: LabFolder, overrides: dict[str, object]) -> dict[str, tuple[Any, str]]:
    """Names to (value, where from); later sources win."""
    found: dict[str, tuple[Any, str]] = {}
    for file in (config_folder() / "settings.toml", folder.settings_file):
        for name, value in _read_file(file).items():
            found[name] = _value(name, value, str(file)), str(file)
    for name in _FIELDS:
        variable = PREFIX + name.upper()
        if variable in os.environ:
            found[name] = _value(name, os.environ[variable], variable), variable
    for name, value in overrides.items():
        if value is not None:
            found[name] = _value(name, value, "argument"), "argument"
    return found


def _read_file(file: Path) -> dict[str, Any]:
    try:
        raw = file.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise SettingsError(f"{file} cannot be read: {error.strerror}", where=str(file)) from None
    import tomllib

    try:
        return tomllib.loads(raw.decode())
    except ValueError as error:
        raise SettingsError(f"{file} is not valid TOML: {error}", where=str(file),
                            remedy="A line reads like: runners = 2") from None


def _value(name: str, value: Any, where: str) -> Any:
    known = _FIELDS.get(name)
    if known is None:
        near = get_close_matches(name, _FIELDS, 1)
        raise SettingsError(
            f"{where}: there is no setting {name!r}" + (f"; did you mean {near[0]!r}?" if near else ""),
            remedy=f"Settings: {', '.join(_FIELDS)}.", where=where)
    read: Callable[[Any], Any] = known.metadata["read"]
    try:
        return read(value)
    except (ValueError, TypeError, OverflowError):
        raise SettingsError(f"{where}: {name} = {value!r:.80} is not accepted",
                            remedy=f"{name} takes {known.metadata['takes']}.", where=where) from None
