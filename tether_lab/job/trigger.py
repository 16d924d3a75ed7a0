"""Triggers, as rows: what makes jobs beside people and clocks.

=====  ======================================================  ==================================
kind   ``about``                                               ``ctx.trigger`` of its jobs
=====  ======================================================  ==================================
files  paths, pattern, changes, settle, recursive              ``files``: [[change, path], …]
job    after (a key), on (statuses)                            ``job``, ``key``, ``status``
web    (none: it has a secret)                                 ``body``
=====  ======================================================  ==================================
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import PurePath
from typing import Any

from tether_lab.errors import BadRequest

KINDS = ("files", "job", "web")
CHANGES = ("added", "modified", "deleted")
ENDS = ("completed", "failed", "cancelled", "expired", "skipped")
MOST_FILES = 1000
"""Changes that one job is told of."""


@dataclass(frozen=True, slots=True)
class TriggerRow:
    """A trigger as it stands. Times are UTC µs; ``fired`` is how many jobs came of it, ``job_id`` the last,
    ``trouble`` why the last time made none."""

    id: int
    uuid: str
    name: str
    kind: str
    key: str
    about: str
    payload: str
    options: str
    after_key: str | None
    paused: bool
    trouble: str | None
    fired: int
    fired_at: int | None
    seen_at: int
    job_id: int | None
    created_at: int
    key_id: str
    mac: bytes

    @property
    def status(self) -> str:
        """Active or paused."""
        return "paused" if self.paused else "active"

    def said(self) -> Mapping[str, Any]:
        """``about``, read."""
        found: dict[str, Any] = json.loads(self.about)
        return found

    def words(self) -> str:
        """When it makes a job, as a person would say it."""
        said = self.said()
        match self.kind:
            case "files":
                what = " or ".join(said["changes"])
                return f"when {said['pattern']} in {', '.join(said['paths'])} is {what}"
            case "job":
                return f"when a job of {said['after']} is {' or '.join(said['on'])}"
            case _:
                return "when the Jupyter server is asked to"


def wanted(about: Mapping[str, Any], changes: Iterable[tuple[str, str]]) -> list[list[str]]:
    """The changes (change, path) that a trigger of this ``about`` is for."""
    return [[change, path] for change, path in changes
            if change in about["changes"] and fnmatch(PurePath(path).name, about["pattern"])]


def refuse_circle(after: str, key: str, known: Mapping[str, set[str]]) -> None:
    """``known``: for each key, those that start after it. Raises BadRequest if this one closes a circle."""
    seen, left = {key}, [key]
    while left:
        for following in known.get(left.pop(), ()):
            if following not in seen:
                seen.add(following)
                left.append(following)
    if after in seen:
        raise BadRequest(f"a job of {key} after each of {after} would go round for ever", where="after",
                         remedy="Leave one of the triggers out: lab.triggers() lists them.")
