"""``tether-lab restore``: a copy in the place of a damaged queue."""

from __future__ import annotations

from tether_lab.lab.backup import copies, restore

from .parsing import Arguments
from .terminal import printable, say, show_json


def run(given: Arguments) -> int:
    """Put it back, or list what there is."""
    if given.list:
        for path, wrong in copies(given.lab, data=given.data):
            say(f"{path}  {printable(wrong) or 'good'}")
        return 0
    done = restore(given.lab, given.path, data=given.data)
    if given.json:
        show_json({"source": str(done.source), "jobs": done.jobs, "aside": list(map(str, done.aside))})
        return 0
    say(f"{done.source} is {'data.db' if given.data else 'the queue'} now"
        + ("." if given.data else f", with {done.jobs:,} jobs."))
    for path in done.aside:
        say(f"What was there is kept as {path}")
    return 0
