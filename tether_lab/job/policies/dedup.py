"""When two jobs count as the same, and for how long."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tether_lab.errors import OptionError
from tether_lab.job.duration import seconds

ACCEPTED = "input[:1h], key[:10m], fields=lr,depth[:1h] or a Dedup"
CONFLICTS = ("existing", "replace", "raise", "debounce")


@dataclass(frozen=True, slots=True)
class Dedup:
    """Which jobs are the same: of one key, and by ``input`` of equal payload, by ``fields`` equal in
    these, by ``key`` all. ``ttl`` seconds count from the enqueue; None: as long as the job holds the key,
    which it does in every status but failed and cancelled."""

    by: str = "input"
    fields: tuple[str, ...] = ()
    ttl: float | None = None

    def __post_init__(self) -> None:
        if self.by not in ("input", "fields", "key") or (self.by == "fields") != bool(self.fields):
            raise OptionError(f"dedup: by {self.by!r} with the fields {', '.join(self.fields) or 'none'}",
                              remedy=f"Accepted: {ACCEPTED}.", where="dedup")
        if self.ttl is not None and self.ttl <= 0:
            raise OptionError("dedup: a ttl of 0 keeps nobody out", where="dedup",
                              remedy="Give a time above 0, such as 1h, or leave it out.")

    @classmethod
    def by_input(cls, ttl: object = None) -> Dedup:
        return cls("input", (), _ttl(ttl))

    @classmethod
    def by_fields(cls, fields: Iterable[str] | str, ttl: object = None) -> Dedup:
        names = fields.split(",") if isinstance(fields, str) else fields
        found = {str(name).strip() for name in names} - {""}
        return cls("fields", tuple(sorted(found)), _ttl(ttl))

    @classmethod
    def by_key(cls, ttl: object = None) -> Dedup:
        return cls("key", (), _ttl(ttl))

    @classmethod
    def parse(cls, value: object) -> Dedup:
        """A Dedup, or its text: ``input``, ``input:1h``, ``fields=lr,depth:1h``, ``key:10m``."""
        if isinstance(value, Dedup):
            return value
        if isinstance(value, Mapping):
            return cls(**{**value, "fields": tuple(value.get("fields", ()))})
        said, colon, ttl = str(value).partition(":")
        kind, equals, names = said.partition("=")
        given = ttl if colon else None
        match kind.strip(), equals:
            case "input", "":
                return cls.by_input(given)
            case "key", "":
                return cls.by_key(given)
            case "fields", "=":
                return cls.by_fields(names, given)
        raise ValueError(f"{ACCEPTED}; got {value!r}")

    def digest(self, key: str, payload: str, parameters: Iterable[str] = ()) -> str:
        """What is equal for jobs that are the same. Raises OptionError for a field that neither the
        payload (JSON text) nor ``parameters`` know: a slip there would make all jobs the same."""
        values = json.loads(payload)
        chosen: Any = None
        if self.by == "input":
            chosen = values
        elif self.by == "fields":
            unknown = [name for name in self.fields if name not in values and name not in parameters]
            if unknown:
                known = sorted({*values, *parameters})
                raise OptionError(f"dedup: the payload has no field {unknown[0]!r}", where="dedup",
                                  remedy=f"It has {', '.join(known) or 'no fields'}.")
            chosen = {name: values[name] for name in self.fields if name in values}
        text = json.dumps([key, self.by, self.fields, chosen], sort_keys=True, separators=(",", ":"))
        return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _ttl(value: object) -> float | None:
    return None if value is None else seconds(value, what="dedup: ttl")
