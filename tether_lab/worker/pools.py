"""All processes for attempts, by interpreter.

``take`` gives a process at once, None if its zygote is still starting, or raises what keeps jobs of
this interpreter from running. Who takes one gives it back with ``release`` when its attempt is over.
Nothing here knows attempts or the queue.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from resource import struct_rusage
from selectors import EVENT_READ, EVENT_WRITE
from typing import Any

from tether_lab.job import HandlerVersion, Interpreter
from tether_lab.runner import wire

from .leaving import Leaving
from .pool import WARM_JOBS, Pool
from .process import Process
from .selector import Selector
from .succession import Succession
from .zygote import check


class Pools:
    """All processes. ``on_output(process)`` is called when something can be read from it or it ended."""

    def __init__(self, selector: Selector, *, ahead: int, log: Callable[[str], None],
                 on_event: Callable[[Process, str], None], preload_modules: tuple[str, ...] = (),
                 kind: type[Pool] = Pool) -> None:
        self._kind = kind
        self.selector, self.ahead, self.log = selector, ahead, log
        self._on_event, self._preload = on_event, frozenset(preload_modules)
        self.tokens = itertools.count(1)
        self.processes: dict[int, Process] = {}
        self.owner: dict[int, Pool] = {}
        self.leaving = Leaving()
        self._pools: dict[tuple[str, str, str], Pool] = {}
        self._succession = Succession(lambda interpreter: kind(self, interpreter), log)

    def pool(self, interpreter: Interpreter) -> Pool:
        found = self._pools.get(interpreter.pool)
        if found is None:
            found = self._pools[interpreter.pool] = self._kind(self, interpreter)
            found.wanted |= self._preload
        return found

    def take(self, version: HandlerVersion, *, warm: bool, now: float) -> Process | None:
        """A process for one attempt; None if not yet. Raises WorkerError if never."""
        pool = self.pool(version.interpreter)
        if pool.zygote is None:
            check(version.interpreter)
        return pool.take(version, warm=warm, now=now)

    def rouse(self) -> None:
        """A job may have come: of the warm processes that rest, the one that was used last gets ready."""
        resting = [kept[-1] for pool in self._pools.values() for kept in pool.warm.values() if kept]
        if resting:
            max(resting, key=lambda process: process.kept_at).rouse()

    def release(self, process: Process, version_id: int, *, reusable: bool) -> None:
        """Its attempt is over: keep it warm, or let it go."""
        pool = self.owner.get(process.token)
        if (reusable and process.warm and pool is not None and pool.ready and not pool.retired
                and process.exited is None and process.jobs < WARM_JOBS):
            pool.keep(process, version_id)
        else:
            self.drop(process)

    def part(self, process: Process) -> None:
        """It has said all, and ends by itself."""
        self.leaving.see_off(process, self.owner[process.token])
        self.drop(process)

    def drop(self, process: Process) -> None:
        """Close it; a process that still runs ends at the end of its control socket."""
        if self.processes.pop(process.token, None) is None:
            return
        for descriptor in (process.control, process.stdout, process.stderr):
            self.unregister(descriptor)
        process.close()
        self.owner.pop(process.token, None)

    def of(self, pool: Pool) -> list[Process]:
        """The processes of one interpreter."""
        return [p for p in self.processes.values() if self.owner.get(p.token) is pool]

    def child_ended(self, pid: int, status: int, usage: struct_rusage) -> None:
        """A child of the supervisor was reaped: a spare process, or a zygote (its socket says so)."""
        if not self.leaving.reaped(pid):
            any(pool.child_ended(pid, status, usage) for pool in self._all)

    def forget(self, process: Process) -> None:
        """An idle one ended."""
        pool = self.owner.get(process.token)
        if pool is not None:
            pool.lost(process)
        self.drop(process)

    def adopt(self, process: Process, pool: Pool) -> None:
        """Listen to a new process."""
        self.processes[process.token], self.owner[process.token] = process, pool
        for name in ("control", "stdout", "stderr"):
            self.selector.register(getattr(process, name), EVENT_READ, self._caller(process, name))

    def _caller(self, process: Process, name: str) -> Callable[[int], None]:
        def call(mask: int) -> None:
            if mask & EVENT_WRITE:
                process.flush()
            if mask & EVENT_READ:
                self._on_event(process, name)
            if name == "control" and process.token in self.processes:
                self.watch_writing(process.control, process.writing)
        return call

    def ended(self, token: int, exited: wire.Exited | None) -> None:
        """A process ended (``exited`` None: with its zygote)."""
        process = self.processes.get(token)
        if process is None:
            self.leaving.gone(token)
            return
        process.exited = exited
        self.owner[token].lost(process)
        self._on_event(process, "exited")

    def tend(self, now: float, *, busy: set[tuple[str, str, str]], idle_for: float) -> None:
        self.leaving.tend(now)
        for key, pool in list(self._pools.items()):
            pool.tend(now, busy=key in busy, idle_for=idle_for)
            if pool.succeeded:
                self._pools[key] = self._succession.tend(key, pool, now, busy=key in busy)

    @property
    def _all(self) -> list[Pool]:
        return [*self._pools.values(), *self._succession.pools]

    @property
    def told(self) -> str | None:
        """What people should know of where attempts run, as JSON; None: here."""
        return None

    @property
    def places(self) -> float:
        """How many attempts may run at once, as far as it is up to the processes."""
        return float("inf")

    def due(self) -> float:
        """When ``tend`` has something to do although nothing happens (monotonic seconds)."""
        return min((pool.due for pool in self._pools.values()), default=float("inf"))

    @property
    def starting(self) -> bool:
        """Whether some zygote has not said hello yet."""
        return any(p.zygote is not None and not p.zygote.ready for p in self._all)

    def pids(self) -> set[int]:
        """The supervisor's own children: zygotes, or spare processes."""
        zygotes = {p.zygote.pid for p in self._all if p.zygote is not None}
        return zygotes | {p.pid for p in self.processes.values() if p.pid is not None}

    def close(self) -> None:
        """Kill every process: zygotes take theirs along."""
        for process in list(self.processes.values()):
            process.kill()
            self.drop(process)
        for pool in self._all:
            if pool.zygote is not None:
                pool._forget(pool.zygote)  # noqa: SLF001  of one house

    # -- the selector ----------------------------------------------------------------------------

    def watch_writing(self, thing: Any, wanted: bool) -> None:
        key = self.selector.key_of(thing)
        if key is not None:
            events = EVENT_READ | (EVENT_WRITE if wanted else 0)
            if key.events != events:
                self.selector.modify(thing, events, key.data)

    def unregister(self, thing: Any) -> None:
        if self.selector.key_of(thing) is not None:
            self.selector.unregister(thing)
