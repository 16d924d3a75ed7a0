"""How many pilots fly: asked for, counted, asked for again when a cluster lost them."""

from __future__ import annotations

import sys
import threading
import time

from .executor import Executor, Flight, open_executor
from .pilot import fly

REST = 30.0
"""Seconds without a running attempt after which all pilots but one go home."""
TURN = 0.2
AGAIN = 0.5
LONGEST = 30.0


class Fleet:
    """The flights of one bridge. A thread speaks to the cluster: its client may take its time, and what
    jobs say must not wait for it. ``trouble``: what keeps pilots from the air, in words, or nothing."""

    def __init__(self, spec: str, places: int, port: int, secret: bytes) -> None:
        self._spec, self._places, self._port, self._secret = spec, places, port, secret
        self._executor: Executor | None = open_executor(spec, places)
        self._flights: list[Flight] = []
        self._busy_at = time.monotonic()
        self._wanted, self._aboard, self._failures = places, 0, 0
        self._over = threading.Event()
        self.trouble = ""
        self._thread = threading.Thread(target=self._fly, name="tether-lab fleet", daemon=True)
        self._thread.start()

    def tend(self, now: float, *, busy: bool, aboard: int) -> int:
        """Have as many in the air as the work wants; how many of those aboard are too many."""
        if busy:
            self._busy_at = now
        self._wanted = self._places if now - self._busy_at < REST else 1
        self._aboard = aboard
        return max(0, aboard - self._wanted)

    def boarded(self) -> None:
        """A pilot came: the way is open."""
        self._failures, self.trouble = 0, ""

    def close(self) -> None:
        """Ask for no more."""
        self._over.set()
        self._thread.join(5)
        for flight in self._flights:
            flight.cancel()
        if self._executor is not None:
            self._executor.close()

    # -- in the thread -----------------------------------------------------------------------------

    def _fly(self) -> None:
        pause = TURN
        while not self._over.wait(pause):
            try:
                self._flights = [flight for flight in self._flights if not self._landed(flight)]
                while max(len(self._flights), self._aboard) < self._wanted and not self._over.is_set():
                    self._submit()
                pause = TURN
            except Exception as error:  # noqa: BLE001  a cluster's client may raise anything
                pause = self._failed(f"{type(error).__name__}: {error}")

    def _submit(self) -> None:
        if self._executor is None or not self._executor.alive():
            self._flights.clear()
            executor, self._executor = self._executor, None
            if executor is not None:
                executor.close()
            self._executor = open_executor(self._spec, self._places)
        address = f"{self._executor.callback()}:{self._port}"
        self._flights.append(self._executor.submit(fly, address, self._secret))

    def _landed(self, flight: Flight) -> bool:
        if not flight.done():
            return False
        try:
            error = flight.exception()
        except BaseException as cancelled:  # noqa: BLE001  futures raise their own CancelledError here
            error = cancelled
        if error is not None:
            self._over.wait(self._failed(f"a pilot ended: {type(error).__name__}: {error}"))
        return True

    def _failed(self, why: str) -> float:
        """Remember and say why; seconds until it is worth trying again."""
        self._failures += 1
        if why != self.trouble:
            sys.stderr.write(f"executor {self._spec}: {why}\n")
            sys.stderr.flush()
        self.trouble = why
        return float(min(LONGEST, AGAIN * 2 ** min(self._failures, 10)))
