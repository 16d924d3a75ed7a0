"""The verbs of a lab in a terminal: ``tether-lab``.

Called by people and scripts. Parses, calls one verb of ``lab``, shows; nothing is decided here.

Decisions: one table of commands (``table``), option flags made from ``job.options``, so that keyword
and flag are one word. Errors are one line and a remedy on standard error; exit codes say what went
wrong (0 well, 1 trouble, 2 asked wrongly, 124 waited in vain, 130 interrupted, a command's own).
What other people's code wrote reaches a terminal with its colours and without its control codes.
Starting costs little: each command loads what it needs.
"""

from __future__ import annotations

from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; its exit code."""
    from .main import main as run

    return run(arguments)


__all__ = ["main"]
