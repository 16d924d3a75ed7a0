"""``tether-lab export``: ended jobs and their handlers into one file."""

from __future__ import annotations

from dataclasses import asdict

from .labs import open_lab
from .parsing import Arguments
from .terminal import say, show_json


def run(given: Arguments) -> int:
    """Do it, and say how much there was."""
    done = open_lab(given, create=False).export(given.path, key=given.key, since=given.since)
    if given.json:
        show_json({**asdict(done), "path": str(done.path)})
        return 0
    say(f"{done.path}: {done.handlers:,} handler versions, {done.jobs:,} jobs")
    return 0
