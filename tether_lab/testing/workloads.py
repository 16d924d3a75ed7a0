"""What runs in a made-up month: handlers, how long they take, how they fail, when people ask for them."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tether_lab.job import JobOptions, RetryPolicy, Timeout


@dataclass(frozen=True, slots=True)
class Fault:
    """A way to fail: how likely a first attempt does, and how likely the next one does again after a
    wait of ``delay`` seconds. ``types`` are the error's class and its bases; ``message`` is filled with
    the random numbers n (port, row …) and hex."""

    chance: float
    again: Callable[[float], float]
    types: tuple[str, ...]
    message: str


@dataclass(frozen=True, slots=True)
class Release:
    """A version of a handler from ``since`` on (a fraction of the month): how much longer it takes than
    the first, and a fault of its own."""

    name: str
    since: float
    factor: float = 1.0
    fault: Fault | None = None


@dataclass(frozen=True, slots=True)
class Workload:
    """A handler and its jobs. ``share`` of all jobs, seconds as median and spread of a lognormal; ``burst``
    is the part of its jobs that all come on the slow Tuesday within twenty minutes."""

    key: str
    share: float
    hours: Callable[[datetime], float]
    median: float
    sigma: float
    payload: Callable[[random.Random], dict[str, Any]]
    options: JobOptions
    attempts: int
    faults: tuple[Fault, ...] = ()
    releases: tuple[Release, ...] = (Release("1", 0.0),)
    cpu: float = 0.8
    megabytes: float = 150.0
    crashes: float = 0.0
    cancelled: float = 0.004
    burst: float = 0.0
    tags: tuple[str, ...] = ()
    says: str = ""


def office(at: datetime) -> float:
    """Working days, mornings and afternoons; a little in the evening, next to nothing at weekends."""
    if at.weekday() >= 5:
        return 0.04
    hour = at.hour
    if 9 <= hour < 18:
        return 0.5 if hour == 12 else 1.0
    return 0.15 if 18 <= hour < 22 else 0.02


def steady(at: datetime) -> float:
    """All day, a little less at weekends."""
    return 0.6 if at.weekday() >= 5 else 1.0


def nights(at: datetime) -> float:
    """From one to five."""
    return 1.0 if 1 <= at.hour < 5 else 0.0


def mornings(at: datetime) -> float:
    """At seven on working days, some later."""
    return 0.0 if at.weekday() >= 5 else {7: 1.0, 8: 0.4, 12: 0.15, 16: 0.2}.get(at.hour, 0.01)


def _same(chance: float) -> Callable[[float], float]:
    return lambda _: chance


def _fades(span: float) -> Callable[[float], float]:
    """The longer the wait, the better: halves each ``span`` seconds."""
    return lambda delay: float(0.95 * 0.5 ** (delay / span))


WORKLOADS: tuple[Workload, ...] = (
    Workload(
        "fetch-prices", 0.42, steady, 2.2, 0.5,
        lambda rng: {"market": rng.choice(("oil", "gas", "power", "wheat")), "day": rng.randint(1, 28)},
        JobOptions(retry=RetryPolicy.exponential(5, "5s")), 5,
        (Fault(0.11, _same(0.22), ("ConnectionError", "OSError"),
               "HTTPSConnectionPool(host='prices.example', port={n}): no answer after 30 s"),
         Fault(0.004, _same(1.0), ("KeyError", "LookupError"), "'close_{n}'")),
        (Release("1", 0.0), Release("2", 0.35, 0.8)), 0.15, 90, tags=("prices",), says="{n} rows"),
    Workload(
        "clean-table", 0.25, office, 18.0, 0.6, lambda rng: {"table": f"sales_{rng.randint(1, 40)}"},
        JobOptions(retry=RetryPolicy.fixed("10s")), 3,
        (Fault(0.055, _same(1.0), ("ValueError",), "could not convert string to float: 'n/a' in row {n}"),),
        (Release("1", 0.0),), 0.9, 600, burst=0.12, says="row {n} of 5000"),
    Workload(
        "refresh-dashboard", 0.14, steady, 40.0, 0.35,
        lambda rng: {"page": rng.choice(("sales", "stock", "staff"))},
        JobOptions(retry=RetryPolicy.exponential(6, "4s")), 6,
        (Fault(0.10, _fades(25), ("OperationalError", "DatabaseError"), "database is locked (0x{hex})"),),
        (Release("1", 0.0), Release("2", 0.5, 1.5)), 0.5, 250, tags=("pages",), says="page drawn in {n} ms"),
    Workload(
        "send-report", 0.10, mornings, 9.0, 0.4, lambda rng: {"to": f"team{rng.randint(1, 9)}@example.org"},
        JobOptions(retry=RetryPolicy.fixed("30s"), expires=7200.0), 3,
        (Fault(0.02, _same(0.3), ("SMTPServerDisconnected", "OSError"), "connection closed by port {n}"),),
        (Release("1", 0.0), Release("2", 0.3, 0.9),
         Release("3", 0.62, 1.0, Fault(0.88, _same(1.0), ("AttributeError",),
                                       "'NoneType' object has no attribute 'render' at 0x{hex}")),
         Release("4", 0.66, 0.9)), 0.4, 120, tags=("mail",), says="sent {n} pages"),
    Workload(
        "train-model", 0.06, office, 540.0, 0.7,
        lambda rng: {"lr": rng.choice((0.1, 0.01, 0.001)), "depth": rng.randint(3, 9)},
        JobOptions(retry=RetryPolicy.fixed("1m"), timeout=Timeout(hard=1800.0)), 2,
        (Fault(0.05, _same(0.85), ("RuntimeError",), "loss is nan at step {n}"),),
        (Release("1", 0.0), Release("2", 0.45, 0.7)), 3.2, 2600, crashes=0.03, cancelled=0.05,
        tags=("models",), says="epoch {n}: loss 0.3"),
    Workload(
        "back-up", 0.03, nights, 1500.0, 0.4, lambda rng: {"disk": rng.choice("abcd")},
        JobOptions(retry=RetryPolicy.fixed("5m"), timeout=Timeout(hard=5400.0)), 3,
        (Fault(0.06, _same(0.5), ("OSError",), "[Errno 28] No space left on device: '/mnt/{hex}/part-{n}'"),),
        (Release("1", 0.0),), 0.25, 400, crashes=0.01, says="{n} files"),
)
