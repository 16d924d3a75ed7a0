"""``tether-lab queues``."""

from __future__ import annotations

from dataclasses import asdict

from .labs import open_lab
from .parsing import Arguments
from .terminal import show_json, show_table


def run(given: Arguments) -> int:
    """Every queue, the heaviest first."""
    from tether_lab.views.tables import queues_table

    found = open_lab(given).queues()
    if given.json:
        show_json([asdict(queue) for queue in found])
    else:
        show_table(queues_table([(q.name, q.weight, q.paused, q.depth) for q in found]))
    return 0
