"""Arrays that are views of the same memory: in a job they are independent copies. Say so."""

from __future__ import annotations

from typing import Any

_ENOUGH = 10_000


class Arrays:
    """Extents of the arrays of a capture, by the variable that holds them."""

    def __init__(self) -> None:
        self._seen: list[tuple[int, int, str, int]] = []

    def add(self, array: Any, root: str) -> None:
        """Note where an array's data lies. Objects (dtype O) are shared by the memo anyway."""
        if len(self._seen) >= _ENOUGH or not array.nbytes or array.dtype.hasobject:
            return
        if not array.flags.writeable and array.base is None:
            return
        start = int(array.__array_interface__["data"][0])
        low, high = start, start + int(array.itemsize)
        for length, stride in zip(array.shape, array.strides, strict=True):
            reach = (length - 1) * stride
            low, high = low + min(reach, 0), high + max(reach, 0)
        self._seen.append((low, high, root, id(array)))

    def warnings(self, namespace: dict[str, Any]) -> list[str]:
        """One sentence for each pair of variables that share memory."""
        pairs: dict[tuple[str, str], None] = {}
        reach: tuple[int, int, str, int] | None = None
        for extent in sorted(self._seen):
            if reach is not None and extent[0] < reach[1] and extent[3] != reach[3]:
                first, second = sorted((reach[2], extent[2]))
                if not (_copies_on_write(namespace.get(first)) or
                        _copies_on_write(namespace.get(second))):
                    pairs[first, second] = None
            if reach is None or extent[1] > reach[1]:
                reach = extent
        return [_sentence(*pair) for pair in list(pairs)[:5]]


def _copies_on_write(value: Any) -> bool:
    """Frames that share memory behave as copies since pandas 3."""
    return type(value).__module__.partition(".")[0] == "pandas"


def _sentence(first: str, second: str) -> str:
    shared = f"{first} holds two arrays that are" if first == second else f"{first} and {second} are"
    return f"{shared} views of the same memory; in the job they are independent copies"
