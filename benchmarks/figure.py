"""One measured figure, what we promise beside it, and how a few of them are summed up."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """``value`` and ``target`` in ``unit``; ``target`` is the most, or (``at_least``) the least that was
    promised, None if nothing was. ``note`` says what stood beside it."""

    name: str
    value: float
    target: float | None
    unit: str
    note: str = ""
    at_least: bool = False

    @property
    def held(self) -> bool:
        if self.target is None:
            return True
        return self.value >= self.target if self.at_least else self.value <= self.target

    def __str__(self) -> str:
        promise = "" if self.target is None else f"target {'≥' if self.at_least else '≤'} {self.target:g}"
        beside = "; ".join(text for text in (promise, self.note) if text)
        mark = " " if self.target is None else "✓" if self.held else "✗"
        return f"{mark} {self.name:<52} {self.value:10.2f} {self.unit:<3} ({beside})"


def p95(found: Sequence[float]) -> float:
    return sorted(found)[int(len(found) * 0.95)]


def p99(found: Sequence[float]) -> float:
    return sorted(found)[int(len(found) * 0.99)]


def spread(found: Sequence[float]) -> str:
    """The middle half, for a note."""
    if len(found) < 2:
        return f"{found[0]:.3g}"
    low, _, high = statistics.quantiles(found, n=4)
    return f"{low:.3g} to {high:.3g}"
