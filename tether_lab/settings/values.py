"""The settings themselves, and where their values come from."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import Any

from . import kinds
from .places import PREFIX, LabFolder, SettingsError, config_folder


def version() -> str:
    """The version of this package. The package itself says it, but imports the rooms (lazily), so no
    room may import it back."""
    return str(sys.modules["tether_lab"].__version__)


@dataclass(frozen=True, slots=True)
class Settings:
    """How a lab behaves. Durations in seconds, sizes in bytes (powers of 1000)."""

    runners: int = field(default_factory=lambda: min(4, os.cpu_count() or 1), metadata={
        "read": partial(kinds.whole, low=1, high=1000), "help": "Jobs that may run at once.",
        "takes": "a whole number from 1 to 1000"})
    cancel_grace: float = kinds.time(10.0, 0.0, 86400.0, "From the request to cancel to the kill.")
    drain_grace: float = kinds.time(30.0, 0.0, 86400.0, "From the stop of the worker to the kill of its jobs.")
    lease: float = kinds.time(30.0, 1.0, 3600.0, "How long a claim lasts unrenewed.")
    service_slots: int = kinds.number(16, 0, 1000, "Services that may run at once, beside the jobs.")
    crash_budget: int = kinds.number(3, 1, 1000, "Crashes of a job before it is given up.")
    fallback_poll: float = kinds.time(1.0, 0.05, 60.0, "How often to look without being woken.")
    claim_batch: int = kinds.number(100, 1, 10_000, "Jobs claimed in one transaction at most.")
    durability: str = kinds.choice("power", "process", "What an accepted job survives: power cuts, or crashes.")
    payload_warn: int = kinds.size(1_000_000, "Payloads above this are mentioned.")
    payload_limit: int = kinds.size(16_000_000, "Payloads above this are refused.", high=256 * 10**6)
    capture_warn: int = kinds.size(50_000_000, "Captures above this are mentioned.")
    capture_limit: int = kinds.size(2_000_000_000, "Captures above this are refused.")
    result_limit: int = kinds.size(2_000_000_000, "Results above this are not stored.")
    output_head: int = kinds.size(1_000_000, "Text kept from the start of a job's output.")
    output_tail: int = kinds.size(250_000, "Text kept from the end of a job's output.")
    autostart: bool = kinds.flag(True, "Start the worker when there is work and none runs.")
    enabled: bool = kinds.flag(True, "Whether a worker may start at all; jobs can be enqueued either way.")
    start_method: str = kinds.choice("fork" if sys.platform == "linux" else "spare",
                                "spare" if sys.platform == "linux" else "fork",
                                "How job processes are made: forked from a warm one, or kept spare.")
    executor: str = field(default="local", metadata={
        "read": kinds.executor, "takes": "local, or the name of an executor as in dask=tcp://host:8786",
        "help": "Where attempts run: here, or on the places of a cluster."})
    idle_zygote: float = kinds.time(600.0, 0.1, 10 * 86400.0, "Rest after which a zygote gives memory back.")
    idle_worker: float = kinds.time(3600.0, 0.1, 366 * 86400.0, "Rest after which the worker itself ends.")
    preload: tuple[str, ...] = field(default=(), metadata={
        "read": kinds.modules, "takes": "names of modules, as in [\"numpy\", \"pandas\"] or numpy,pandas",
        "help": "Libraries that job processes have imported before their job starts."})
    queue_weights: tuple[str, ...] = field(default=(), metadata={
        "read": kinds.weights, "takes": "weights of 0.001 to 1e6: {high = 20, mine = 2} or high=20,mine=2",
        "help": "Shares of queues (critical 100, high 10, low 0.1; default and others 1)."})
    retention: float = kinds.time(30 * 86400.0, 60.0, 3660 * 86400.0, "How long ended jobs are kept.")
    retention_failed: float = kinds.time(90 * 86400.0, 60.0, 3660 * 86400.0, "How long failed jobs are kept.")
    retention_size: int = kinds.size(5_000_000_000, "Captures and results above this: the oldest jobs go.")
    backup_every: float = kinds.time(86400.0, 0.0, 366 * 86400.0,
                                     "How often the worker copies the queue (0: never).")
    encrypt: bool = kinds.flag(False, "Encrypt every job of this lab, as its option encrypt does.")
    allow_network_fs: bool = kinds.flag(False, "Open labs on network file systems, at your own risk.")

    @classmethod
    def load(cls, folder: LabFolder, **overrides: object) -> Settings:
        """The settings of a lab. ``None`` overrides are left out. Raises SettingsError naming the
        file or variable, the value and what is accepted."""
        return cls(**{name: value for name, (value, _) in _gather(folder, overrides).items()})

    def changed(self, **values: object) -> Settings:
        """These settings with some of them replaced; None leaves one as it is. Raises SettingsError."""
        given = {name: _value(name, value, "argument") for name, value in values.items() if value is not None}
        return replace(self, **given)

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
