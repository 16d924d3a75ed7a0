"""What a service's code sees: its messages, and a class with a method for each thing that can happen.

Loaded by kernels too (``tether_lab.Service``), so only the standard library is imported here.
"""

from __future__ import annotations

import inspect
import time
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any

from tether_lab.errors import JobCancelled

if TYPE_CHECKING:
    from .calls import Calls
    from .context import Context

NOTHING: Any = object()
LOOK = 1.0
"""Seconds after which a service that waits looks up, whatever it heard."""


class Inbox:
    """The messages of a running service, in order. A message is done with when the next one is asked for;
    one that was in hand when the service died comes again."""

    def __init__(self, calls: Calls) -> None:
        self._calls, self._last = calls, 0

    def receive(self, timeout: float | None = None) -> Any:
        """The next message; NOTHING if none came in time (seconds; None: as long as it takes)."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            self._calls.mail.clear()
            found = self._calls.ask("receive", {"after": self._last})
            if found is not None:
                self._last = int(found["id"])
                return found["message"]
            while not self._calls.mail.is_set():
                left = LOOK if deadline is None else min(LOOK, deadline - time.monotonic())
                if left <= 0:
                    return NOTHING
                self._calls.listen(left)


class Messages(Iterator[Any], AsyncIterator[Any]):
    """All messages, for ``for`` and ``async for``; ends with the service."""

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox

    def __iter__(self) -> Messages:
        return self

    def __aiter__(self) -> Messages:
        return self

    def __next__(self) -> Any:
        return self._inbox.receive()

    async def __anext__(self) -> Any:
        import asyncio

        while (found := await asyncio.to_thread(self._inbox.receive, LOOK)) is NOTHING:
            pass
        return found


class Service:
    """A service by its parts: override what you need, each may be ``async def``. ``service`` is the ``ctx``.

    ``on_start`` once an attempt, then ``on_tick`` at once and every ``update_interval``, ``on_message`` for
    each message, ``on_stop`` when it is to end.
    """

    def on_start(self, service: Context) -> Any:
        """Before anything else."""

    def on_message(self, service: Context, message: Any) -> Any:
        """A message, as it was sent."""

    def on_tick(self, service: Context) -> Any:
        """Every ``update_interval``."""

    def on_stop(self, service: Context) -> Any:
        """It was asked to end, or its worker ends."""

    def execute(self, service: Context) -> None:
        """The loop; what it calls runs in one thread, one after the other."""
        run = _Caller()
        try:
            run(self.on_start, service)
            tick = time.monotonic()
            while True:
                now = time.monotonic()
                if now >= tick:
                    run(self.on_tick, service)
                    every = service.update_interval or 10.0
                    tick += every * max(1, -(-(time.monotonic() - tick) // every))    # no ticks in a heap
                    continue
                message = service.receive(tick - now, default=NOTHING)
                if message is not NOTHING:
                    run(self.on_message, service, message)
        except JobCancelled:
            run(self.on_stop, service)
            raise
        finally:
            run.close()


class _Caller:
    """Calls what may be async, all of it on one loop."""

    def __init__(self) -> None:
        self._runner: Any = None

    def __call__(self, function: Any, *arguments: Any) -> None:
        found = function(*arguments)
        if inspect.iscoroutine(found):
            import asyncio

            if self._runner is None:
                self._runner = asyncio.Runner()
            self._runner.run(found)

    def close(self) -> None:
        if self._runner is not None:
            self._runner.close()
