"""What installed packages contributed to this lab when they were registered last."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from .statements import sql

if TYPE_CHECKING:
    from .queue import Queue


@dataclass(frozen=True, slots=True)
class Module:
    """``name`` of the entry point, the package it comes from, what it registered, what went wrong."""

    name: str
    package: str
    version: str
    handlers: tuple[str, ...] = ()
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Contributed:
    """``fingerprint`` of the entry points; ``trouble`` of all of them together, "" if there was none."""

    fingerprint: str = ""
    modules: tuple[Module, ...] = ()
    trouble: str = ""

    @property
    def failed(self) -> bool:
        return bool(self.trouble) or any(module.error for module in self.modules)


def known(queue: Queue) -> Contributed:
    """As it was written last."""
    with queue.read() as connection:
        row = connection.execute(sql("contributed_get")).fetchone()
    if row is None:
        return Contributed()
    found = json.loads(row[0])
    return Contributed(found["fingerprint"], tuple(
        Module(**{**one, "handlers": tuple(one["handlers"])}) for one in found["modules"]), found["trouble"])


def put(queue: Queue, fingerprint: str, modules: Sequence[Module] = (), trouble: str = "") -> None:
    """Remember it."""
    value = json.dumps(asdict(Contributed(fingerprint, tuple(modules), trouble)), ensure_ascii=False)
    with queue.write() as connection:
        connection.execute(sql("contributed_put"), {"value": value})
