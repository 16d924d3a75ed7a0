"""Tether Lab: functions in warm processes. Each job is validated, signed and on disk when ``enqueue``
returns, is claimed under a lease, its attempt is kept, and what a dead worker had goes back within a
second of the next."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

from measure import arguments, measure, stamp as stamped

from tether_lab import Lab

folder, count, runners, _ = arguments()
HERE = str(folder)
SIDES = str(Path(__file__).parent)
lab = Lab(folder / "lab", runners=runners, autostart=False,
          durability="power" if folder.name.startswith("power") else "process")


@lab.handler("noop", isolation="warm", max_attempts=1)
def noop():
    return None


@lab.handler("stamp", isolation="warm", max_attempts=1)
def stamp(name, sent):
    sys.path[:0] = [SIDES] if SIDES not in sys.path else []
    stamped(Path(HERE), name, sent)


@contextlib.contextmanager
def worker() -> Iterator[None]:
    lab.worker.start()
    try:
        yield
    finally:
        lab.worker.stop(now=True)


measure(folder, count, noop.enqueue, lambda name, sent: stamp.enqueue(name=name, sent=sent), worker)
