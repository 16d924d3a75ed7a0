"""Names that are bound for certain, where ways part and meet."""

from __future__ import annotations


class Unreachable(set[str]):
    """The bound names after ``raise``: whatever is asked for is there, as nobody will ask."""

    def __contains__(self, item: object) -> bool:
        return True

    def copy(self) -> Unreachable:
        return Unreachable()


def meet(*ends: set[str]) -> set[str]:
    """Names bound for certain where several ways come together."""
    reached = [end for end in ends if not isinstance(end, Unreachable)]
    return set.intersection(*reached).copy() if reached else Unreachable()


class Loop:
    """Where ``break`` and ``continue`` lead: the bound names at each of them."""

    def __init__(self) -> None:
        self.breaks: list[set[str]] = []
        self.continues: list[set[str]] = []
