"""What a person asks of a dashboard: read at the door, then a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from tether_lab.errors import BadRequest
from tether_lab.job import states

SORTS = ("id", "key", "status", "attempts", "created", "priority", "queue", "took")
DETAILS = ("outputs", "overview", "attempts", "events", "payload", "captures", "code", "stack")
SIZES = (10, 25, 50, 100)
SINCE = ("1h", "1d", "7d", "30d", "all")
THEMES = ("light", "dark")
LONGEST = 200
"""Characters of a search."""


@dataclass(frozen=True, slots=True)
class Question:
    """Which tab; of the jobs which page of which; which job is open, and what of it; which figure of which
    time. ``page`` counts from 0."""

    tab: str = "jobs"
    status: str = ""
    key: str = ""
    queue: str = ""
    tag: str = ""
    words: str = ""
    chain: int | None = None
    batch: int | None = None
    sort: str = "id"
    down: bool = True
    page: int = 0
    size: int = 25
    job: int | None = None
    detail: str = "outputs"
    figure: str = "timeline"
    since: str = "30d"
    theme: str = "light"

    @property
    def filtered(self) -> str:
        """The filters in words; empty without any."""
        said = [self.status, *(f"{name} {value}" for name, value in (
            ("handler", self.key), ("queue", self.queue), ("tag", self.tag), ("chain", self.chain),
            ("batch", self.batch)) if value)]
        return ", ".join([*filter(None, said), *([f"“{self.words}”"] if self.words else [])])


_TYPES: dict[str, tuple[type, ...]] = {
    "chain": (int, type(None)), "batch": (int, type(None)), "job": (int, type(None)), "page": (int,),
    "size": (int,), "down": (bool,)}


def asked(before: Question, changes: Mapping[str, Any], *, tabs: tuple[str, ...],
          figures: tuple[str, ...] = ()) -> Question:
    """The question after these changes. Raises BadRequest for what does not exist.

    Another filter, order or size begins at the first page; another tab closes the job that is open.
    """
    known = {field.name for field in fields(Question)}
    for name, value in changes.items():
        if name not in known:
            raise BadRequest(f"a dashboard has no {name!r}", where=name,
                             remedy=f"It has {', '.join(sorted(known))}.")
        fits = isinstance(value, _TYPES.get(name, (str,))) and isinstance(value, bool) == (name == "down")
        if not fits or (isinstance(value, str) and len(value) > LONGEST):
            raise BadRequest(f"{name} is {value!r:.80}", where=name)
    found = replace(before, **changes)
    for name, value, accepted in (
            ("tab", found.tab, tabs), ("sort", found.sort, SORTS), ("detail", found.detail, DETAILS),
            ("size", found.size, SIZES), ("since", found.since, SINCE), ("theme", found.theme, THEMES),
            ("figure", found.figure, figures or (found.figure,))):
        if value not in accepted:
            raise BadRequest(f"{name} is {value!r}", where=name,
                             remedy=f"Accepted: {', '.join(map(str, accepted))}.")
    if found.status:
        try:
            states(found.status)
        except ValueError as error:
            raise BadRequest(str(error), where="status") from None
    if set(changes) & {"status", "key", "queue", "tag", "words", "chain", "batch", "sort", "down", "size"}:
        found = replace(found, page=0)
    if found.tab != before.tab and "job" not in changes:
        found = replace(found, job=None)
    return replace(found, page=max(0, found.page))
