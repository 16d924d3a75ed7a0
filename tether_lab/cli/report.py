"""``tether-lab report``."""

from __future__ import annotations

from .labs import open_lab
from .parsing import Arguments
from .terminal import say, show_json


def run(given: Arguments) -> int:
    """Write the page, and say where it is."""
    path = open_lab(given).report(given.path, since=given.since, until=given.until, key=given.key,
                                  tag=given.tag, theme=given.theme)
    if given.json:
        show_json({"path": str(path), "size": path.stat().st_size})
    else:
        say(f"The report is in {path}.")
    return 0
