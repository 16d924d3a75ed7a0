"""How many jobs may run at once, and how many may start in a time; each under a key."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from tether_lab.errors import OptionError
from tether_lab.job.duration import seconds

STRATEGIES = ("fifo", "lifo", "random", "by_priority")
LIMITED = 3
RATES: dict[str, tuple[int, float]] = {
    "conservative": (5, 60.0), "moderate": (10, 60.0), "aggressive": (50, 60.0), "hourly": (100, 3600.0),
}
_RATE = re.compile(r"\s*(\d{1,9})\s*/\s*(\d*\.?\d*)\s*(ms|s|sec|second|m|min|minute|h|hour|d|day)\s*")
_UNITS = {"sec": "s", "second": "s", "min": "m", "minute": "m", "hour": "h", "day": "d"}


@dataclass(frozen=True, slots=True)
class Concurrency:
    """At most ``max_concurrent`` jobs of one key run at once, whatever their handler (default key:
    the job's own). Who goes next among those that wait: ``fifo``, ``lifo``, ``random``, ``by_priority``."""

    key: str | None = None
    max_concurrent: int = LIMITED
    strategy: str = "fifo"

    def __post_init__(self) -> None:
        _check_key("concurrency", self.key)
        _check_count("concurrency", self.max_concurrent)
        if self.strategy not in STRATEGIES:
            raise OptionError(f"concurrency: there is no strategy {self.strategy!r}", where="concurrency",
                              remedy=f"One of {', '.join(STRATEGIES)}.")

    @classmethod
    def parse(cls, value: object) -> Concurrency:
        """A Concurrency, its fields, a number, ``limited`` (3), or text ``[KEY:]N[:STRATEGY]``."""
        if isinstance(value, Concurrency):
            return value
        if isinstance(value, Mapping):
            return cls(**value)
        if isinstance(value, int) and not isinstance(value, bool):
            return cls(max_concurrent=value)
        if isinstance(value, str):
            parts = [part.strip() for part in value.split(":")]
            strategy = parts.pop() if len(parts) > 1 and parts[-1] in STRATEGIES else "fifo"
            number = LIMITED if parts[-1] == "limited" else int(parts[-1]) if parts[-1].isdecimal() else None
            if number is not None:
                return cls(":".join(parts[:-1]) or None, number, strategy)
        raise ValueError("a number, limited (3), KEY:N, KEY:N:STRATEGY (" + ", ".join(STRATEGIES)
                         + f") or a Concurrency; got {value!r}")


@dataclass(frozen=True, slots=True)
class RateLimit:
    """At most ``max_executions`` jobs of one key start in any ``window`` (seconds, or a text such as
    ``"1m"``), over all workers and across restarts. The default key is the job's own."""

    max_executions: int
    window: float
    key: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "window", seconds(self.window, what="rate_limit"))
        _check_key("rate_limit", self.key)
        _check_count("rate_limit", self.max_executions)
        if not 0.001 <= self.window <= 366 * 86400:
            raise OptionError(f"rate_limit: a window of {self.window:g} s", where="rate_limit",
                              remedy="Give one from 1 ms to 366 days, as in 10/min or 5/30s.")

    @classmethod
    def parse(cls, value: object) -> RateLimit:
        """A RateLimit, its fields, ``10/min``, ``5/30s``, ``KEY:10/min``, or a preset."""
        if isinstance(value, RateLimit):
            return value
        if isinstance(value, Mapping):
            return cls(**value)
        if isinstance(value, str):
            key, _, rate = value.rpartition(":")
            if rate in RATES:
                return cls(*RATES[rate], key=key or None)
            if found := _RATE.fullmatch(rate.lower()):
                unit = _UNITS.get(found[3], found[3])
                return cls(int(found[1]), seconds(f"{found[2] or 1}{unit}", what="rate_limit"), key or None)
        raise ValueError(f"10/min, 5/30s, KEY:10/min, {', '.join(RATES)} or a RateLimit; got {value!r}")


def _check_key(option: str, key: str | None) -> None:
    if key is not None and (not isinstance(key, str) or not key.strip() or len(key) > 200 or "\0" in key):
        raise OptionError(f"{option}: a key is a text of 1 to 200 characters; got {key!r:.80}", where=option)


def _check_count(option: str, count: int) -> None:
    if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= 10_000:
        raise OptionError(f"{option}: a whole number from 1 to 10000; got {count!r}", where=option)
