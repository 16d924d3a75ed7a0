"""Waiting for a lock, fairly.

SQLite's own busy handler sleeps longer and longer, so that whoever comes last under load waits for
seconds (p50 2.9 s, measured with three saturating writers and synchronous=FULL). A short random pause
of constant size gives every waiter the same chance (p50 65 ms).
"""

from __future__ import annotations

import random
import time

SHORTEST, LONGEST = 0.0002, 0.002
JUST_NOW = 0.001
"""Seconds after which a kernel that writes again looks before its transaction, too, whether the files are still
those that it has open. It looks after each, and tells of what it finds there."""


def pause(deadline: float) -> bool:
    """Sleep a random 0.2 to 2 ms; False (at once) when the deadline (monotonic s) has passed."""
    left = deadline - time.monotonic()
    if left <= 0:
        return False
    time.sleep(min(left, random.uniform(SHORTEST, LONGEST)))  # noqa: S311  spreads waiters
    return True
