"""Durations as people type them: ``10m``, ``1h30m``, ``45``, ``0.5s``, ``timedelta(...)``."""

from __future__ import annotations

import math
import re
from datetime import timedelta

UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0,
         "w": 604800.0}
LONGEST = 10 * 366 * 86400.0
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*(us|ms|min|s|m|h|d|w)?")


def seconds(value: object, *, what: str = "a duration") -> float:
    """Seconds (float, ≥ 0, at most ten years) in a number, a timedelta or a text such as ``1h30m``.

    Raises ValueError that says what is accepted.
    """
    if isinstance(value, timedelta):
        number = value.total_seconds()
    elif isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(f"{what} is a number of seconds, a timedelta or a text such as 10m, "
                         f"1h30m, 2d; got {value!r}")
    elif isinstance(value, str):
        number = _parse(value, what)
    else:
        number = float(value)
    if not math.isfinite(number) or number < 0 or number > LONGEST:
        raise ValueError(f"{what} lies between 0 and ten years; got {value!r}")
    return number


def _parse(text: str, what: str) -> float:
    squeezed = text.strip().lower().replace(" ", "")
    total, at, parts = 0.0, 0, list(_PART.finditer(squeezed))
    for part in parts:
        if part.start() != at or (part[2] is None and len(parts) > 1):
            break
        total += float(part[1]) * UNITS[part[2] or "s"]
        at = part.end()
    if not squeezed or at != len(squeezed):
        raise ValueError(f"{what} reads like 45, 30s, 10m, 1h30m or 2d; got {text!r}")
    return total


def words(value: float) -> str:
    """A short text for seconds: ``0.42 s``, ``12 s``, ``3 min 5 s``, ``2 h 10 min``, ``3 d 4 h``."""
    if value < 0.0995:
        return f"{value * 1e3:.0f} ms"
    if value < 9.95:
        return f"{value:.1f} s"
    whole = round(value)
    if whole < 60:
        return f"{whole} s"
    for big, big_name, small, small_name in (
        (86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s"),
    ):
        if whole >= big:
            rest = whole % big // small
            return f"{whole // big} {big_name}" + (f" {rest} {small_name}" if rest else "")
    raise AssertionError("unreachable: every number ≥ 60 has a unit")
