"""The kinds of values that settings have: how each is read, and what its field says of itself."""

from __future__ import annotations

import re
from dataclasses import field
from functools import partial
from typing import Any

_SECONDS = {"ms": 1e-3, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_BYTES = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}


def whole(value: Any, low: int, high: int) -> int:
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


def executor(value: Any) -> str:
    found = re.fullmatch(r"[A-Za-z][\w.-]*(=\S+)?", str(value).strip())
    if found is None:
        raise ValueError(value)
    return found[0]


def modules(value: Any) -> tuple[str, ...]:
    given = value.split(",") if isinstance(value, str) else list(value)
    names = [str(name).strip() for name in given if str(name).strip()]
    if not all(part.isidentifier() for name in names for part in name.split(".")):
        raise ValueError(value)
    return tuple(names)


def weights(value: Any) -> tuple[str, ...]:
    pairs = [p.split("=") for p in value.split(",") if p] if isinstance(value, str) else dict(value).items()
    if not all(name.strip() and 0.001 <= float(weight) <= 1e6 for name, weight in pairs):
        raise ValueError(value)
    return tuple(f"{name.strip()}={float(weight):g}" for name, weight in pairs)


def number(default: int, low: int, high: int, says: str) -> Any:
    return field(default=default, metadata={"read": partial(whole, low=low, high=high), "help": says,
                                            "takes": f"a whole number from {low} to {high}"})


def time(default: float, low: float, high: float, says: str) -> Any:
    return field(default=default, metadata={
        "read": partial(_duration, low=low, high=high), "help": says,
        "takes": f"seconds from {low:g} to {high:g}, or a text such as 30s, 10m, 1h"})


def size(default: int, says: str, low: int = 1000, high: int = 10**15) -> Any:
    return field(default=default, metadata={"read": partial(_size, low=low, high=high), "help": says,
                                            "takes": "a size in bytes, or a text such as 250KB, 50MB, 2GB"})


def flag(default: bool, says: str) -> Any:
    return field(default=default, metadata={"read": _truth, "help": says, "takes": "true or false"})


def choice(default: str, other: str, says: str) -> Any:
    return field(default=default, metadata={"read": lambda value: _word(value, default, other),
                                            "help": says, "takes": f"{default} or {other}"})
