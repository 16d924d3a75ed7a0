"""Cells that do nothing, run before the first real one, so that little is left to be done for it.

Before the fork: what runs for the first time is slower, and writes to its own code (CPython adapts it to
what it meets); after the fork each such write copies a page. What was run often enough is copied seldom.

After the fork, in a process that waits: running a cell writes to hundreds of pages all the same, at least to
count references. They are copied before the job comes, so that it starts sooner.

Nothing is waited for, sent or kept; a job that comes at once finds no rehearsal in its way.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from pathlib import Path

import msgspec

from . import context, result, wire
from .channel import Channel
from .task import Attempt, Desk

PATIENCE = 0.1
"""Seconds without a task after which none is expected at once. Where jobs follow each other a process waits
for less than that, and a rehearsal would only take its time."""
TIMES = 12
"""CPython adapts code that ran eight times."""
_CELL = "print()\n1"
_TASK = wire.frame(wire.Task(0, "", 0, 1, 1, "", "cell", "", _CELL, "{}", "{}", "{}", "{}", "", {}, ""))


def rehearse(desk: Desk, times: int = TIMES) -> None:
    """The way of a cell, without what it would change in a process or wait for."""
    shell = desk.shell
    if shell is None:
        return
    namespace = shell.fresh_namespace()
    before = set(namespace)
    with desk.output.unheard(), contextlib.redirect_stdout(desk.output.stdout):
        for _ in range(times):
            (task,) = wire.Frames(wire.TO_JOB).feed(_TASK)
            attempt = Attempt.of(task, desk)
            context.enter(attempt.context)
            attempt.lay_out(shell)
            attempt.started()
            end = shell.run(task.source)
            desk.output.send(attempt.returned(end.value, namespace))
            desk.bars.finish()
            context.enter(None)
            for name in set(namespace) - before:
                del namespace[name]
    shell.hint_for = None


def rehearse_frames() -> None:
    """Store and load a frame as often, where pandas is loaded: most of what cells take along has one."""
    pandas = sys.modules.get("pandas")
    if pandas is None:
        return
    from tether_lab.capture import Blobs, BlobStore, dump_result, load_result

    nowhere = Path(os.devnull)
    with contextlib.suppress(Exception):               # library code, of any version
        frame = pandas.DataFrame({"number": [1.0]})
        for _ in range(TIMES):
            stored = dump_result(frame, {}, BlobStore(nowhere))
            load_result(stored.body, Blobs(nowhere, stored.blobs or {}), {})


def rehearse_call(told: wire.Task, desk: Desk) -> None:
    """What stands around a function in a warm process, as far as it changes nothing. After a silence that
    is no longer in the caches; now it is, while the worker still claims the job."""
    alike = msgspec.structs.replace(told, payload="{}", extras=(), memos={}, blobs={})
    (task,) = wire.Frames(wire.TO_JOB).feed(wire.frame(alike))
    Attempt.of(task, desk)
    desk.handlers.known(task.key, task.version)
    wire.frame(wire.Started(task.job_id, task.epoch, time.monotonic_ns()))
    wire.frame(result.succeeded(task, 0, {}, {}))


def rehearse_while_waiting(channel: Channel, desk: Desk) -> None:
    """Once, unless a task comes first."""
    if not desk.warm and channel.is_silent(PATIENCE):
        rehearse(desk, 1)
