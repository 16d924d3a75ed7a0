"""A job process: how it is set up, its loop over tasks, its end."""

from __future__ import annotations

import faulthandler
import gc
import json
import os
import resource
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING, NoReturn

import msgspec

from . import kinship, wire
from .call import Handlers
from .calls import Calls
from .channel import Channel, lift
from .limits import Memory
from .output import Output
from .progress import Bars
from .rehearsal import rehearse_call, rehearse_while_waiting
from .signals import Signals
from .task import Desk, attempt
from .tasks import Tasks
from .traces import Traces

if TYPE_CHECKING:
    from .shell import JobShell


LIGHT = 512 * 1024 * 1024
"""Bytes that a process may have had at most if its end is not waited for: to give back more takes long, and
the next job may need them."""


def become_job(stdout: int, stderr: int, stack: int, parent: int) -> int:
    """Turn a process that was just forked into a job process of its own session. The descriptor of
    its stack pipe."""
    os.setsid()
    kinship.die_with_parent(parent)
    null = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((null, 0), (stdout, 1), (stderr, 2)):
        os.dup2(source, target)
        if source > 2:
            os.close(source)
    return lift(stack)


def prepare(shell: JobShell | None) -> Desk:
    """All that a job process has at hand and that is no process's own: once, before the fork."""
    faulthandler.enable(file=2, all_threads=True)
    signals = Signals()
    output = Output(signals)
    bars = Bars(output)
    bars.watch_tqdm()
    if shell is not None:
        shell.connect(output, signals)
    return Desk(output, signals, bars, Handlers(), Memory(), shell, None, Calls(output))


def serve(channel: Channel, stack: int, desk: Desk, *, warm: bool) -> NoReturn:
    """Run the tasks that come (``warm``: until the supervisor closes the socket; else one), and end."""
    _settle_in(channel, stack, desk, warm=warm)
    rehearse_while_waiting(channel, desk)
    tasks = Tasks(channel, desk.output, lambda told: rehearse_call(told, desk))
    while (task := tasks.next()) is not None:
        ended = attempt(task, desk)
        left: tuple[str, ...] = ()
        if desk.traces is not None:
            left = desk.traces.found(desk.output.threads)
            desk.output.restore()
        kinship.flush_c_streams()
        parting = None if warm else _parting(desk)
        ended = msgspec.structs.replace(ended, at=time.monotonic_ns(), traces=left, parting=parting)
        if not warm or left:
            desk.output.send(ended)
            break
        tasks.ended(ended)
    desk.kept.close(lambda text: desk.output.send(wire.Note("warning", json.dumps({"text": text}))))
    leave()


def _parting(desk: Desk) -> wire.Parting | None:
    """What this process has used, if nothing of the job's goes on, and its end will not take long."""
    if desk.kept.resources or threading.active_count() > 1 or kinship.has_children():
        return None
    seconds, peak = kinship.spent(*map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)))
    return wire.Parting(os.getpid(), seconds, peak) if peak <= LIGHT else None


def leave(code: int = 0) -> NoReturn:
    """End the process and everything that it started. What C code still held was flushed before."""
    kinship.kill_descendants()
    os._exit(code)


def _settle_in(channel: Channel, stack: int, desk: Desk, *, warm: bool) -> None:
    """What is the process's own."""
    kinship.adopt_orphans()
    kinship.show_as("tether-lab job")
    kinship.go_first_when_memory_is_short()
    faulthandler.register(signal.SIGUSR1, file=stack, all_threads=True, chain=False)
    desk.signals.install()
    desk.output.install(channel)
    desk.calls.connect(channel)
    sys.argv = [""]
    gc.enable()
    desk.traces = Traces() if warm else None
