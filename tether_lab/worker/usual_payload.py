"""Payloads as most of them are: a dict of declared names, with numbers and plain texts of the declared types.

What is wrong with a payload takes time to find out; that nothing is wrong with one of these shows in one look
at each value, which spells it as well. Everything else is ``payload.read_payload``'s, and the two agree in
each byte (tests/unit/test_usual_payload.py).
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from functools import lru_cache
from json.encoder import encode_basestring
from typing import Any

_NONE = type(None)
_SPELL: dict[type, Callable[[Any], str]] = {
    int: int.__repr__, float: float.__repr__, str: encode_basestring,
    bool: lambda value: "true" if value else "false", _NONE: lambda _: "null"}
_ACCEPTED: Mapping[str | None, tuple[type, ...]] = {
    None: (int, float, str, bool, _NONE), "integer": (int,), "number": (int, float), "string": (str,),
    "boolean": (bool,)}

Shape = tuple[Mapping[str, tuple[str, tuple[type, ...]]], frozenset[str]]
"""By name: how it stands in JSON, what it accepts; and the names that must be there."""


@lru_cache(64)
def shape(parameters: str) -> Shape:
    """Of parameters as they are stored with a version."""
    declared = json.loads(parameters)
    usual = {name: (f"{encode_basestring(name)}:", _ACCEPTED[about.get("type")])
             for name, about in declared.items()
             if name.isascii() and not name.startswith(("$", "*")) and about and about.get("type") in _ACCEPTED}
    return usual, frozenset(name for name, about in declared.items() if about and about.get("required"))


def spelled(payload: dict[Any, Any], parameters: str) -> str | None:
    """The payload's text as ``read_payload`` would store it; None if it has to be looked at more closely."""
    known, required = shape(parameters)
    parts = []
    for name, value in payload.items():
        kind, about = type(value), known.get(name)
        if (about is None or kind not in about[1] or (kind is int and not -(2**63) <= value < 2**63)
                or (kind is str and not value.isascii()) or (kind is float and not math.isfinite(value))):
            return None
        parts.append(about[0] + _SPELL[kind](value))
    return f"{{{','.join(parts)}}}" if required <= payload.keys() else None
