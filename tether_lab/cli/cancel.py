"""``tether-lab cancel``."""

from __future__ import annotations

from tether_lab.job import FINAL, State

from .labs import open_lab
from .parsing import Arguments
from .terminal import say


def run(given: Arguments) -> int:
    """Cancel by id, key, tag, or everything."""
    counts = open_lab(given).cancel(given.ids or None, key=given.key, tag=given.tag, all=given.all,
                                    force=given.force)
    running = counts.get(State.RUNNING, 0)
    ended = sum(n for state, n in counts.items() if state in FINAL)
    waiting = sum(counts.values()) - running - ended
    said = [f"{n} {what}" for n, what in ((waiting, "cancelled"), (running, "running, asked to stop"),
                                          (ended, "had ended already")) if n]
    say((", ".join(said) or "Nothing to cancel") + ".")
    return 0
