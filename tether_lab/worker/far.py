"""Attempts on other machines: one bridge in place of the zygotes (see ``executors``).

The worker loads nothing of it: the bridge is a process that speaks like a zygote, and says besides how
many attempts may run at once and which processes went out of reach.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tether_lab.errors import ProtocolMismatch, WorkerError
from tether_lab.job import HandlerVersion, Interpreter
from tether_lab.runner import wire
from tether_lab.settings import Settings

from .pool import Pool
from .pools import Pools
from .process import Process
from .selector import Selector
from .zygote import Zygote

BRIDGE = "tether_lab.executors.bridge"


class FarPool(Pool):
    """The processes of a cluster, whichever interpreter their handlers came from."""

    succeeded = False

    def __init__(self, pools: Pools, settings: Settings, run: Path, on_places: Callable[[], None]) -> None:
        minor = f"{sys.version_info.major}.{sys.version_info.minor}"
        super().__init__(pools, Interpreter(sys.prefix, sys.executable, minor))
        self._arguments = ("--executor", settings.executor, "--places", str(settings.runners),
                           "--run", str(run))
        self._on_places = on_places
        self.places = wire.Places(0)

    def _start(self) -> Zygote:
        return Zygote(self.interpreter, BRIDGE, self._arguments)

    def _process(self, token: int, *, warm: bool) -> Process:
        return Process(token, warm=warm, far=lambda number, group: self._push(token, number, group=group))

    def _push(self, token: int, number: int, *, group: bool) -> None:
        if self.zygote is not None and token in self._pools.processes:
            self.zygote.send(wire.Signal(token, number, group))
            self._pools.watch_writing(self.zygote, self.zygote.writing)

    def _hear(self, zygote: Zygote, message: wire.FromZygote) -> None:
        match message:
            case wire.Places():
                self._count(message)
            case wire.Used(token=token, size=size) if token in self._pools.processes:
                self._pools.processes[token].used = size
            case wire.Used():
                pass
            case wire.Vanished(token=token, place=place):
                process = self._pools.processes.get(token)
                if process is not None:
                    process.gone = True
                    self._pools.log(f"{place} is out of reach: what ran there goes back to the queue")
                    self._pools.ended(token, None)
            case _:
                super()._hear(zygote, message)

    def _count(self, message: wire.Places) -> None:
        if message.trouble != self.places.trouble:
            self._pools.log(f"executor: {message.trouble or 'all is well again'}")
        if message.count != self.places.count:
            self._pools.log(f"executor: {message.count} places")
        more = message.count > self.places.count
        self.places = message
        if more:
            self._on_places()

    def _forget(self, zygote: Zygote) -> None:
        self.places = wire.Places(0)
        super()._forget(zygote)

    def take(self, version: HandlerVersion, *, warm: bool, now: float) -> Process | None:
        minor = version.interpreter.minor
        if self.places.pythons and minor not in self.places.pythons:
            raise ProtocolMismatch(
                f"this handler was registered with Python {minor}, the places of the executor run "
                f"{', '.join(self.places.pythons)}", where=self.interpreter.executable,
                remedy="Register it again from that Python, or give the cluster the other one.")
        return super().take(version, warm=warm, now=now)

    @property
    def ready(self) -> bool:
        return super().ready and self.places.count > 0


class FarPools(Pools):
    """All processes, on the places of one executor."""

    def __init__(self, selector: Selector, settings: Settings, run: Path,
                 on_places: Callable[[], None], **given: Any) -> None:
        super().__init__(selector, **given)
        self._spec = settings.executor
        self._far = FarPool(self, settings, run, on_places)
        self._far.wanted |= self._preload
        self._pools[self._far.interpreter.pool] = self._far

    def pool(self, interpreter: Interpreter) -> Pool:
        del interpreter
        return self._far

    def take(self, version: HandlerVersion, *, warm: bool, now: float) -> Process | None:
        return self._far.take(version, warm=warm, now=now)

    @property
    def places(self) -> float:
        return self._far.places.count

    @property
    def told(self) -> str:
        trouble = self._far.places.trouble or (self._far.error.message if self._far.error else "")
        return json.dumps({"executor": self._spec, "places": self._far.places.count, "trouble": trouble})

    def tend(self, now: float, *, busy: set[tuple[str, str, str]], idle_for: float) -> None:
        """The bridge is always there: places come and go by its own count."""
        del idle_for
        try:
            self._far.ensure(now)
        except WorkerError:
            return                         # said in the log; tried again after a pause
        self._far.tend(now, busy=bool(busy), idle_for=float("inf"))
