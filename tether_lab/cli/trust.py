"""``tether-lab trust``: look at what somebody else's lab would run, then make it one's own."""

from __future__ import annotations

import sys
from dataclasses import asdict

from tether_lab.errors import BadRequest

from .labs import open_lab
from .parsing import Arguments
from .terminal import printable, say, show_json


def run(given: Arguments) -> int:
    """Show the code; ask; sign. Without a terminal only ``--yes`` says yes."""
    lab = open_lab(given)
    found = lab.trust()
    if not given.json:
        for line in str(found).splitlines():
            say(printable(line))
    if not given.yes and not given.json:
        if not sys.stdin.isatty():
            raise BadRequest("nobody is there to say yes", where="trust", remedy="tether-lab trust --yes")
        say()
        sys.stdout.write("Sign all of this with your key, so that it runs as you? Type yes: ")
        sys.stdout.flush()
        if sys.stdin.readline().strip() != "yes":
            say("Nothing was changed.")
            return 1
    if given.yes or not given.json:
        found = lab.trust(accept=True)
    if given.json:
        show_json(asdict(found))
    else:
        say(f"{found.signed} rows have your signature now."
            + (f" {found.left} were left as they are: {printable(found.reason)}" if found.left else ""))
    return 0
