"""The loop's ears: a selector that is asked for every event, without the detours of ``get_map``."""

from __future__ import annotations

from selectors import DefaultSelector, SelectorKey
from typing import Any


class Selector(DefaultSelector):
    """What is registered carries the function that hears it."""

    _fd_to_key: dict[int, SelectorKey]     # of ``selectors``, for all kinds of them

    def listen(self, timeout: float) -> None:
        """Wait so many seconds for somebody to speak, and hear all who did."""
        known = self._fd_to_key
        for key, mask in self.select(timeout):
            current = known.get(key.fd)
            if current is not None and current.data is key.data:   # an earlier one may have closed it
                key.data(mask)

    def key_of(self, thing: Any) -> SelectorKey | None:
        """The entry of a descriptor, or of what has one; None if it is not registered, or closed."""
        try:
            return self._fd_to_key.get(thing if type(thing) is int else thing.fileno())
        except ValueError:
            return None
