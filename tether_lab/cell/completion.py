"""What the Tab key offers on the lines of the magics: sub-commands, flags, values, keys, ids."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from tether_lab.errors import TetherLabError
from tether_lab.job.options import BY_NAME
from tether_lab.job.policies.timeout import PRESETS

from .flags import CELL, LINE, Flag
from .group_verbs import VERBS as GROUP_VERBS
from .jobs_verbs import FILTERS, FLAGS as JOBS_FLAGS, STATUSES, VERBS as JOBS_VERBS
from .schedule_verbs import VERBS as SCHEDULE_VERBS
from .service_verbs import VERBS as SERVICE_VERBS
from .tether_verbs import FLAGS as TETHER_FLAGS, VERBS as TETHER_VERBS
from .trigger_verbs import VERBS as TRIGGER_VERBS

if TYPE_CHECKING:
    from tether_lab.lab import Lab

VALUES = {
    "--capture": ("auto", "none"), "--isolation": ("clean", "warm"), "--timeout": tuple(PRESETS),
    "--retry": ("exponential", "linear", "fixed", "custom"),
    "--queue": ("critical", "high", "default", "low"),
}
NEWEST = 50
"""Ids offered: those of this many newest jobs."""


BESIDE = {"schedule": SCHEDULE_VERBS, "trigger": TRIGGER_VERBS, "service": SERVICE_VERBS, "chain": GROUP_VERBS,
          "batch": GROUP_VERBS}


def complete(line: str, until_cursor: str, lab: Callable[[], Lab]) -> list[str]:
    """Candidates for the word at the cursor. A lab that cannot be opened offers nothing."""
    command = line.split(None, 1)[0] if line.split() else ""
    said = until_cursor.split()
    word = "" if until_cursor[-1:].isspace() or not said else said[-1]
    before = said[1:] if not word else said[1:-1]
    if not said or (len(said) == 1 and word):
        return []
    if command == "%tether" and before[:1] == ["jobs"]:
        command, before = "%jobs", before[1:]
    match command:
        case "%%job" | "%job":
            found = _job(command, word, before, lab)
        case "%jobs":
            found = _jobs(word, before, lab)
        case "%tether":
            found = _tether(word, before)
        case _:
            found = []
    return sorted({candidate for candidate in found if candidate.startswith(word)})


def _job(command: str, word: str, before: list[str], lab: Callable[[], Lab]) -> Iterable[str]:
    flags = CELL if command == "%%job" else LINE
    if before and before[-1] in VALUES:
        return VALUES[before[-1]]
    if before and _takes_value(before[-1], flags):
        return ()
    if word.startswith("-"):
        return _names(flags)
    key = next((text for text in before if not text.startswith("-") and "=" not in text), None)
    if key is not None:
        return [f"{name}=" for name in _parameters(key, lab)]
    keys = _keys(lab)
    return [*keys, *_ids(lab)] if command == "%job" else keys


def _jobs(word: str, before: list[str], lab: Callable[[], Lab]) -> Iterable[str]:
    if word.startswith("-"):
        return _names(JOBS_FLAGS)
    if word.startswith("key="):
        return [f"key={key}" for key in _keys(lab)]
    if word.startswith("status="):
        return [f"status={status}" for status in STATUSES]
    filters = [f"{name}=" for name in FILTERS]
    if not before:
        return [*JOBS_VERBS, *STATUSES, *filters]
    if before[0] in ("list", *STATUSES):
        return [*STATUSES, *filters]
    kind = {"batches": "batch"}.get(before[0], before[0].removesuffix("s"))
    if kind in BESIDE:
        return _beside(kind, before[1:], lab)
    if before[0] in ("handlers", "stats"):
        return ()
    return [*_ids(lab), *(["key=", "tag=", "all"] if before[0] == "cancel" else [])]


def _beside(kind: str, before: list[str], lab: Callable[[], Lab]) -> Iterable[str]:
    """Behind ``%jobs schedule`` and its like."""
    if kind in ("chain", "batch"):
        return GROUP_VERBS if before else _listed(lab, kind)
    if not before:
        return BESIDE[kind] if kind == "service" else [*BESIDE[kind], *_keys(lab)]
    return _keys(lab) if before[0] == "start" else _listed(lab, kind)


def _tether(word: str, before: list[str]) -> Iterable[str]:
    if word.startswith("-"):
        return _names(TETHER_FLAGS)
    if not before:
        return [*TETHER_VERBS, "jobs"]
    if before[0] == "use":
        from tether_lab.settings import known_labs

        return [folder.name for folder in known_labs()]
    if before[0] == "config":
        from tether_lab.settings import Settings

        return Settings.__dataclass_fields__
    return ()


def _names(flags: tuple[Flag, ...]) -> list[str]:
    return [flag.flag for flag in flags]


def _takes_value(text: str, flags: tuple[Flag, ...]) -> bool:
    return any(flag.flag == text and flag.takes and not flag.optional for flag in flags)


def _keys(lab: Callable[[], Lab]) -> list[str]:
    try:
        return [handler.key for handler in lab().handlers()]
    except (TetherLabError, ValueError):
        return []


def _listed(lab: Callable[[], Lab], kind: str) -> list[str]:
    """What names those of a kind: names, of chains and batches their numbers."""
    try:
        match kind:
            case "trigger":
                return [one.name for one in lab().triggers()]
            case "schedule":
                return [one.name for one in lab().schedules()]
            case "service":
                return [one.name for one in lab().services()]
            case "chain":
                return [str(one.id) for one in lab().chains()]
            case _:
                return [str(one.id) for one in lab().batches()]
    except (TetherLabError, ValueError):
        return []


def _ids(lab: Callable[[], Lab]) -> list[str]:
    try:
        return [str(job.id) for job in lab().jobs(limit=NEWEST)]
    except (TetherLabError, ValueError):
        return []


def _parameters(key: str, lab: Callable[[], Lab]) -> list[str]:
    import json

    try:
        for handler in lab().handlers():
            if handler.key == key:
                return [name for name in json.loads(handler.defaults) if name not in BY_NAME]
    except (TetherLabError, ValueError):
        return []
    return []
