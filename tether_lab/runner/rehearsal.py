"""What an idle job process does while it waits: a cell that does nothing.

After a fork the first write to each page copies it, and running a cell writes to hundreds of pages.
A process that waits anyway has them copied before its job comes, so that the job starts sooner.
Nothing is waited for, sent or kept; a job that comes at once finds no rehearsal in its way.
"""

from __future__ import annotations

from . import wire
from .channel import Channel
from .task import Attempt, Desk

PATIENCE = 0.1
"""Seconds without a task after which none is expected at once."""
_NOTHING = wire.Task(0, "", 0, 1, 1, "", "cell", "", "pass", "{}", "{}", "{}", "{}", "", {}, "")


def rehearse_while_waiting(channel: Channel, desk: Desk) -> None:
    """Run the cell ``pass`` unless a task comes first."""
    if desk.warm or not channel.is_silent(PATIENCE):
        return
    desk.output.begin()
    Attempt.of(_NOTHING, desk)
    if desk.shell is not None:
        desk.shell.run(_NOTHING.source)
    desk.output.end()
