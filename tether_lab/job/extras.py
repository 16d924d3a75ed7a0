"""Code that acts beside a job's own: middleware around it, resources for it, what runs before it, hooks.

Stored like handlers, as versions under keys that users cannot take: ``~middleware:log``. What is said
about one (order, keys, scope) stands in its version's parameters, so that it is signed with the code.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from tether_lab.errors import BadRequest

from .handler import HandlerVersion
from .hooks import HOOKS, MARK

INSIDE = ("middleware", "resource", "start")
"""Those that act in the job's own process."""
KINDS = (*INSIDE, *HOOKS)
SCOPES = ("job", "runner")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,99}")


@dataclass(frozen=True, slots=True)
class Extra:
    """``kind`` is one of KINDS. ``order``: lower ones are further out (middleware) or first (start).
    ``keys``: the handlers it is for, empty for all. ``scope`` of a resource: job, or runner (as long as
    the process)."""

    kind: str
    name: str
    order: int = 0
    keys: tuple[str, ...] = ()
    scope: str = "job"

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise BadRequest(f"there is no {self.kind!r:.60}", where="kind",
                             remedy=f"There are {', '.join(KINDS)}.")
        if not isinstance(self.name, str) or not _NAME.fullmatch(self.name):
            raise BadRequest(f"{self.name!r:.60} cannot name a {self.kind}", where="name",
                             remedy="Letters, digits, '_', '-' and '.', not starting with a digit.")
        if self.scope not in SCOPES:
            raise BadRequest(f"scope: {self.scope!r}", where="scope", remedy=f"One of {', '.join(SCOPES)}.")

    @property
    def key(self) -> str:
        """Where it is stored."""
        return f"{MARK}{self.kind}:{self.name}"

    def concerns(self, key: str) -> bool:
        """Whether it acts for jobs of this key."""
        return not self.keys or key in self.keys

    def to_parameters(self) -> str:
        """As a version stores it."""
        said = [f"order={self.order}", f"keys={','.join(self.keys)}", f"scope={self.scope}"]
        return json.dumps({word: {} for word in said})

    @classmethod
    def of(cls, version: HandlerVersion) -> Extra:
        kind, _, name = version.key.removeprefix(MARK).partition(":")
        said = dict(word.split("=", 1) for word in json.loads(version.parameters))
        return cls(kind, name, int(said["order"]), tuple(filter(None, said["keys"].split(","))), said["scope"])
