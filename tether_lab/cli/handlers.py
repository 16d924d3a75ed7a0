"""``tether-lab handlers``."""

from __future__ import annotations

import json
from dataclasses import replace

from tether_lab.lab.clock import now

from .labs import open_lab
from .parsing import Arguments
from .terminal import moment, show_json, show_table


def run(given: Arguments) -> int:
    """List the registered handlers."""
    from tether_lab.views.tables import handler_table

    found = open_lab(given).handlers()
    if given.json:
        show_json([{"key": h.key, "kind": h.kind, "version": h.version, "versions": h.versions,
                    "defaults": json.loads(h.defaults), "options": json.loads(h.options),
                    "updated_at": moment(h.updated_at)} for h in found])
        return 0
    table = handler_table(found, now())
    show_table(replace(table, note="tether-lab enqueue KEY name=value … enqueues one"))
    return 0
