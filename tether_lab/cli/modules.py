"""``tether-lab modules``."""

from __future__ import annotations

from dataclasses import asdict

from tether_lab.views.tables import modules_table

from .labs import open_lab
from .parsing import Arguments
from .terminal import show_json, show_table


def run(given: Arguments) -> int:
    """List what installed packages contribute, and register it."""
    found = open_lab(given).modules()
    if given.json:
        show_json([asdict(module) for module in found])
        return 0
    show_table(modules_table([(m.name, f"{m.package} {m.version}", m.handlers, m.error) for m in found]))
    return 1 if any(module.error for module in found) else 0
