"""``tether-lab prune``."""

from __future__ import annotations

from dataclasses import asdict

from .labs import open_lab
from .parsing import Arguments
from .terminal import say, show_json


def run(given: Arguments) -> int:
    """Remove what is over and old, or say how much that is."""
    found = open_lab(given).prune(given.older_than, dry_run=given.dry_run)
    if given.json:
        show_json(asdict(found))
    else:
        would = "would be removed" if given.dry_run else "were removed"
        say(f"{found.jobs:,} jobs {would}" + ("." if given.dry_run else f", and {found.files:,} files."))
    return 0
