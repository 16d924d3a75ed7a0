"""``tether-lab restore``: a copy in the place of a damaged queue, or of ``ctx.db``."""

from __future__ import annotations

from tether_lab.lab.backup import copies, restore

from .parsing import Arguments
from .terminal import printable, say, show_json


def run(given: Arguments) -> int:
    """Put it back, or list what there is."""
    if given.list:
        found = list(copies(given.lab, data=given.data))
        for path, wrong in found:
            say(f"{path}  {printable(wrong) or 'good'}")
        if not found:
            say("There are none yet: the worker makes the first. tether-lab backup FOLDER makes one now.")
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
