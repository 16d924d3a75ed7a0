"""Whose turn it is among named queues: smooth weighted round robin.

Every queue with work gains its weight, the richest pays the sum and goes next. Deterministic, and
``low`` never starves: it gets one job in a thousand of ``critical``'s, not none.
"""

from __future__ import annotations

from collections.abc import Sequence

WEIGHTS = {"critical": 100.0, "high": 10.0, "default": 1.0, "low": 0.1}
OTHER = 1.0


class Shares:
    """Remembers what each queue has in credit."""

    def __init__(self) -> None:
        self._credit: dict[str, float] = {}

    def of(self, names: Sequence[str], places: int) -> dict[str, int]:
        """How many of ``places`` go to each of the queues that have work, in order of weight."""
        if len(names) == 1:
            return {names[0]: places}
        self._credit = {name: self._credit.get(name, 0.0) for name in names}
        total = sum(map(weight, names))
        found = dict.fromkeys(sorted(names, key=lambda name: (-weight(name), name)), 0)
        for _ in range(places):
            for name in found:
                self._credit[name] += weight(name)
            richest = max(found, key=self._credit.__getitem__)
            self._credit[richest] -= total
            found[richest] += 1
        return found


def weight(name: str) -> float:
    """The weight of a queue; one that is not in the table has that of ``default``."""
    return WEIGHTS.get(name, OTHER)
