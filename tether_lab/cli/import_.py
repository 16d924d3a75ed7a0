"""``tether-lab import``: what another lab exported."""

from __future__ import annotations

from dataclasses import asdict

from .labs import open_lab
from .parsing import Arguments
from .terminal import printable, say, show_json


def run(given: Arguments) -> int:
    """Do it, and say how much there was."""
    done = open_lab(given, create=True).import_(given.path)
    if given.json:
        show_json({**asdict(done), "path": str(done.path)})
        return 0
    say(f"{done.path}: {done.handlers:,} handler versions, {done.jobs:,} jobs")
    if done.known:
        say(f"{done.known:,} jobs were here already.")
    if done.foreign:
        say(f"{done.foreign:,} are signed with a key that is not yours: shown, and neither loaded nor run "
            "until tether-lab trust.")
    if done.refused:
        say(f"{done.refused:,} were refused: {printable(done.reason)}")
    return 1 if done.refused else 0
