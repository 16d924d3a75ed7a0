"""Named points where a test may kill or stop the worker.

Read only if ``TETHER_LAB_TEST=1``: ``TETHER_LAB_FAULT="after_claim_commit:kill,before_renew:stop@3"``
(the third time the point is passed). Anywhere else every point costs one look into an empty dict.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

POINTS = (
    "after_lock",            # the lock is held, the database not open yet
    "after_rescue",          # what dead workers left has been taken back
    "before_turn",           # endings are in memory only
    "inside_turn",           # everything of the turn is written, nothing committed
    "after_turn_commit",     # endings and claims are durable, nothing was done about either
    "after_claim_commit",    # the same, in a turn that claimed something
    "before_finish_commit",  # a turn with endings is about to begin
    "inside_finish",         # the result is written, not committed
    "after_finish_commit",   # the result is durable; nobody was told
    "after_task_sent",       # a job process has its task
    "after_started",         # user code is about to run
    "before_output_commit",
    "after_output_commit",
    "before_renew",
    "after_call",            # it is durable, the job was not told
    "after_fire",            # its jobs are durable
    "after_trigger",         # the job is durable
    "before_call",           # a job asked for something
    "before_fire",           # a schedule is due
    "before_trigger",        # files have changed, no job is there yet
    "before_watching",       # the helper that watches files is about to start
    "before_exit",           # the socket is gone, the lock still held
)
ACTIONS = ("kill", "stop", "delay")


def parse(text: str) -> dict[str, tuple[str, int]]:
    """``point:action[@n]``, comma separated, as ``{point: (action, n)}``. ValueError names what is accepted."""
    found: dict[str, tuple[str, int]] = {}
    for part in filter(None, (p.strip() for p in text.split(","))):
        point, _, action = part.partition(":")
        action, _, count = action.partition("@")
        if point not in POINTS or action not in ACTIONS:
            raise ValueError(f"no fault {part!r}; points: {', '.join(POINTS)}; actions: {', '.join(ACTIONS)}")
        found[point] = action, int(count or 1)
    return found


_armed: dict[str, tuple[str, int]] = (
    parse(os.environ.get("TETHER_LAB_FAULT", "")) if os.environ.get("TETHER_LAB_TEST") == "1" else {}
)


def fault(point: str) -> None:
    """Do here what the test asked for: each point once, then never again."""
    if point not in _armed:
        return
    action, left = _armed[point]
    if left > 1:
        _armed[point] = action, left - 1
        return
    del _armed[point]
    if action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif action == "stop":
        os.kill(os.getpid(), signal.SIGSTOP)
    else:
        time.sleep(1.0)


@contextmanager
def inside(queue: Any, point: str) -> Iterator[None]:
    """Pass the point inside the next write transaction, when all is written and nothing committed."""
    if point not in _armed:
        yield
        return
    write = queue.write

    @contextmanager
    def faulty(**how: bool) -> Iterator[Any]:
        with write(**how) as connection:
            yield connection
            fault(point)

    queue.write = faulty
    try:
        yield
    finally:
        queue.write = write
