"""Progress bars as values: how full, what they say, when they will be done."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

from .phrases import brief, duration, quantity

MOST = 5
"""Bars shown at once; the rest is counted."""


@dataclass(frozen=True, slots=True)
class BarView:
    """``fraction`` is 0 … 1 or None (unknown); ``text`` says the rest: count, rate, time left."""

    label: str
    fraction: float | None
    text: str

    @property
    def percent(self) -> str:
        """Rounded down, so that 100 % means done."""
        return "" if self.fraction is None else f"{math.floor(self.fraction * 100 + 1e-9)} %"


@dataclass(frozen=True, slots=True)
class Progress:
    """What a job says about how far it is. ``left`` is seconds by its outermost bar, if known."""

    bars: tuple[BarView, ...] = ()
    more: int = 0
    left: float | None = None


def read_progress(text: str | None) -> Progress:
    """Progress from the JSON of ``job.progress``. Nothing (or nonsense) is no progress."""
    if not text:
        return Progress()
    try:
        raw = json.loads(text)
    except ValueError:
        raw = {}
    if not isinstance(raw, dict):
        return Progress()
    found: list[BarView] = []
    left = None
    message, fraction = str(raw.get("message") or ""), _number(raw.get("fraction"))
    bars = [bar for bar in raw.get("bars") or () if isinstance(bar, dict)]
    if not bars and (fraction is not None or message):
        found.append(BarView(brief(message, 80), None if fraction is None else _clamp(fraction), ""))
    bars.sort(key=lambda bar: (bool(bar.get("closed")), _number(bar.get("position")) or 0.0))
    for index, bar in enumerate(bars):
        view, seconds = _bar(bar)
        found.append(view)
        if index == 0 and not bar.get("closed"):
            left = seconds
    return Progress(tuple(found[:MOST]), max(0, len(found) - MOST), left)


def _bar(bar: dict[str, Any]) -> tuple[BarView, float | None]:
    n, total, rate = _number(bar.get("n")) or 0.0, _number(bar.get("total")), _number(bar.get("rate"))
    elapsed = _number(bar.get("elapsed")) or 0.0
    unit = str(bar.get("unit") or "it")
    if not rate and elapsed > 0:
        rate = n / elapsed
    is_share = total == 1              # ctx.progress(0.4): the percentage says it all
    parts = [] if is_share else [f"{quantity(n)}/{quantity(total)}" if total else f"{quantity(n)} {unit}"]
    left = None
    if bar.get("closed"):
        parts.append(f"done in {duration(elapsed)}" if not total or n >= total
                     else f"stopped after {duration(elapsed)}")
    elif rate and rate > 0:
        if not is_share:
            parts.append(_rate(rate, unit))
        if total and total > n and (total - n) / rate >= 1:    # a shorter estimate is over before it is read
            left = (total - n) / rate
            parts.append(f"{duration(left)} left")
    postfix = str(bar.get("postfix") or "").strip(" ,")
    if postfix:
        parts.append(brief(postfix, 60))
    fraction = _clamp(n / total) if total and total > 0 else None
    return BarView(brief(str(bar.get("description") or "").rstrip(": "), 60), fraction,
                   " · ".join(parts)), left


def _rate(rate: float, unit: str) -> str:
    if rate >= 1:
        return f"{quantity(round(rate, 1))} {unit}/s"
    return f"{quantity(round(1 / rate, 1))} s/{unit}"


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def _clamp(fraction: float) -> float:
    return min(1.0, max(0.0, fraction))
