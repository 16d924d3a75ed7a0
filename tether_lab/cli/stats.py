"""``tether-lab stats``."""

from __future__ import annotations

from dataclasses import asdict

from .labs import open_lab
from .parsing import Arguments
from .terminal import moment, show_json, show_table


def run(given: Arguments) -> int:
    """How many jobs stand where, and how fast they go."""
    lab = open_lab(given)
    found = lab.stats(given.since)
    if given.json:
        show_json({"lab": lab.name, "states": {s.value: n for s, n in found.states.items()},
                   "groups": dict(found.groups), "handlers": found.handlers, "worker": found.worker,
                   "next_due": moment(found.next_due), "per_hour": found.per_hour, "wait": found.wait,
                   "duration": found.duration, "keys": {key: asdict(one) for key, one in found.keys.items()}})
        return 0
    show_table(found.table())
    return 0
