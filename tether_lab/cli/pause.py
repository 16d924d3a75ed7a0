"""``tether-lab pause``."""

from __future__ import annotations

from .labs import open_lab
from .parsing import Arguments
from .terminal import say


def run(given: Arguments) -> int:
    """One queue, or everything."""
    open_lab(given).pause(given.queue)
    say(f"{'Everything' if given.queue is None else 'The queue ' + given.queue} is paused; what runs goes on.")
    return 0
