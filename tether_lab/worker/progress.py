"""How far one attempt is: its bars, as the one JSON text that the queue keeps."""

from __future__ import annotations

from typing import Any

import msgspec

from tether_lab.runner import wire

INTERVAL = 0.5
"""Seconds between two writes."""
BARS = 20
OWN = -1
"""The id of the bar that ``ctx.progress`` draws."""


class Progress:
    """Collects bars; ``take`` gives the JSON to write, if there is news and it is time."""

    def __init__(self) -> None:
        self._bars: dict[int, dict[str, Any]] = {}
        self._fresh = False
        self._written_at = float("-inf")

    def receive(self, bar: wire.ProgressBar) -> None:
        if bar.id not in self._bars and len(self._bars) >= BARS:
            closed = next((i for i, b in self._bars.items() if b["closed"]), next(iter(self._bars)))
            del self._bars[closed]
        self._bars[bar.id] = {
            "id": bar.id, "position": bar.position, "description": bar.description, "n": bar.n,
            "total": bar.total, "rate": bar.rate, "elapsed": bar.elapsed, "unit": bar.unit,
            "postfix": bar.postfix, "closed": bar.closed,
        }
        self._fresh = True

    @property
    def due_at(self) -> float:
        """When it should be written (monotonic seconds); infinity if there is nothing new."""
        return self._written_at + INTERVAL if self._fresh else float("inf")

    def take(self, now: float, *, final: bool = False) -> str | None:
        """The JSON text to write now, or None. ``final``: whatever the time."""
        if not self._fresh or (now < self.due_at and not final):
            return None
        self._fresh, self._written_at = False, now
        bars = sorted(self._bars.values(), key=lambda bar: (bar["position"], bar["id"]))
        first = bars[0]
        fraction = min(1.0, max(0.0, first["n"] / first["total"])) if first["total"] else None
        return msgspec.json.encode({"fraction": fraction, "message": first["description"],
                                    "bars": bars}).decode()
