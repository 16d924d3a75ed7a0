"""Whose turn it is among named queues: smooth weighted round robin.

Every queue with work gains its weight, the richest pays the sum and goes next. Deterministic, and
``low`` never starves: it gets one job in a thousand of ``critical``'s, not none.
"""

from __future__ import annotations

from collections.abc import Sequence

WEIGHTS = {"critical": 100.0, "high": 10.0, "default": 1.0, "low": 0.1}


class Shares:
    """Remembers what each queue has in credit. ``weights`` are texts ``name=weight`` beside the usual."""

    def __init__(self, weights: Sequence[str] = ()) -> None:
        given = (pair.rpartition("=") for pair in weights)
        self._weights = {**WEIGHTS, **{name: float(weight) for name, _, weight in given}}
        self._credit: dict[str, float] = {}

    def weight(self, name: str) -> float:
        """The weight of a queue; one that is not in the table has that of ``default``."""
        return self._weights.get(name, self._weights["default"])

    @property
    def names(self) -> list[str]:
        """The queues that have a weight of their own."""
        return list(self._weights)

    def of(self, names: Sequence[str], places: int) -> dict[str, int]:
        """How many of ``places`` go to each of the queues that have work, in order of weight."""
        if len(names) == 1:
            return {names[0]: places}
        self._credit = {name: self._credit.get(name, 0.0) for name in names}
        total = sum(map(self.weight, names))
        found = dict.fromkeys(sorted(names, key=lambda name: (-self.weight(name), name)), 0)
        for _ in range(places):
            for name in found:
                self._credit[name] += self.weight(name)
            richest = max(found, key=self._credit.__getitem__)
            self._credit[richest] -= total
            found[richest] += 1
        return found
