"""``tether-lab backup``: a lab into a folder, while it works."""

from __future__ import annotations

from .labs import open_lab
from .parsing import Arguments
from .terminal import say, show_json


def run(given: Arguments) -> int:
    """Copy it; where it is."""
    path = open_lab(given).backup(given.path)
    if given.json:
        show_json({"path": str(path)})
    else:
        say(f"{path} has the lab as it is now. Your keys are not in it: tether-lab keys export FILE.")
    return 0
