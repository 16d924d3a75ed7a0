"""Wait for a fact with a deadline, instead of sleeping and hoping."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def eventually(fact: Callable[[], T], *, within: float = 10.0, every: float = 0.02, say: str = "") -> T:
    """Call ``fact`` until it returns something true; its value. AssertionError after ``within`` s."""
    deadline = time.monotonic() + within
    while True:
        value = fact()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"{say or 'it'} did not happen within {within:g} s; last seen: {value!r}")
        time.sleep(every)
