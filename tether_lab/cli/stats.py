"""``tether-lab stats``."""

from __future__ import annotations

from .labs import open_lab
from .parsing import Arguments
from .terminal import moment, show_json, show_table


def run(given: Arguments) -> int:
    """How many jobs stand where."""
    from tether_lab.views.tables import counts_table

    lab = open_lab(given)
    found = lab.stats()
    if given.json:
        show_json({"lab": lab.name, "states": {s.value: n for s, n in found.states.items()},
                   "groups": dict(found.groups), "handlers": found.handlers, "worker": found.worker,
                   "next_due": moment(found.next_due)})
        return 0
    show_table(counts_table(found.states, [("worker", found.worker), ("lab", lab.name)]))
    return 0
