"""When a schedule fires, what it does about fires it missed, and about a job that is still there.

Everything here is a pure function of the rule and of moments in UTC microseconds. A fire time is
*nominal*: the moment the rule names, however late the worker looks, and whatever the jitter.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from tether_lab.errors import OptionError
from tether_lab.job.stored import stored

from .cron import Cron, zone

OVERLAPS = ("skip", "queue", "cancel", "allow")
MISFIRES = ("latest", "all", "none")
MOST_AT_ONCE = 100
"""Missed fires made up for by ``misfire="all"``: the latest ones."""
ON_TIME = 60_000_000
"""µs: with ``misfire="none"`` a fire that is older counts as missed."""
SECOND = 1_000_000


@dataclass(frozen=True, slots=True)
class Rule:
    """Every ``interval`` µs counted from ``anchor``, or at a ``cron`` expression's times in ``tz``.

    ``start`` (included) and ``end`` (excluded) bound it, UTC µs. ``jitter`` µs: each job is due up to
    that much later than its fire, always the same for one fire. ``overlap`` says what happens while an
    earlier job of the schedule is unfinished: ``skip`` the fire, ``queue`` one job behind it, ``cancel``
    the old one, ``allow`` both. ``misfire``: of fires missed while no worker ran, make up for the
    ``latest``, ``all`` (at most 100) or ``none``; ``grace`` µs is how late a fire may be at all.
    """

    interval: int | None = None
    cron: str | None = None
    tz: str = "UTC"
    anchor: int = 0
    jitter: int = 0
    start: int | None = None
    end: int | None = None
    overlap: str = "skip"
    misfire: str = "latest"
    grace: int | None = None

    def __post_init__(self) -> None:
        if (self.interval is None) == (self.cron is None):
            raise OptionError("a schedule needs one of interval and cron", where="interval",
                              remedy="interval='10m', or cron='0 9 * * MON-FRI'.")
        if self.interval is not None and self.interval < SECOND:
            raise OptionError(f"interval: {self.interval / SECOND:g} s is too short", where="interval",
                              remedy="One second is the shortest.")
        for name, value, accepted in (("overlap", self.overlap, OVERLAPS), ("misfire", self.misfire, MISFIRES)):
            if value not in accepted:
                raise OptionError(f"{name}: {value!r}", where=name, remedy=f"One of {', '.join(accepted)}.")
        if self.start is not None and self.end is not None and self.end <= self.start:
            raise OptionError("the schedule ends before it starts", where="end", remedy="Give a later end.")
        if self.jitter < 0 or (self.interval is not None and self.jitter >= self.interval):
            raise OptionError("jitter is not below the interval", where="jitter",
                              remedy="A fraction of the interval spreads jobs enough.")
        zone(self.tz)

    # -- fires -------------------------------------------------------------------------------------

    def after(self, moment: int) -> int | None:
        """The first fire after ``moment``; None if the schedule is over, or never fires again."""
        if self.start is not None and moment < self.start:
            moment = self.start - 1
        if self.interval is not None:
            steps = max(0, (moment - self.anchor) // self.interval + 1)
            found: int | None = self.anchor + steps * self.interval
        else:
            found = Cron(str(self.cron)).after(moment, self.tz)
        return found if found is not None and (self.end is None or found < self.end) else None

    def fires(self, moment: int) -> Iterator[int]:
        """The fires after ``moment``, one after the other."""
        if self.cron is None:
            found = self.after(moment)
            while found is not None:
                yield found
                found = self.after(found)
            return
        if self.start is not None and moment < self.start:
            moment = self.start - 1
        for found in Cron(self.cron).times(moment, self.tz):
            if self.end is not None and found >= self.end:
                return
            yield found

    def due(self, first: int, now: int) -> Due:
        """What to do at ``now``, where ``first`` is the earliest fire not dealt with yet."""
        passed, next_fire = self._passed(first, now)
        dropped = max(0, len(passed) - MOST_AT_ONCE) if self.misfire == "all" else len(passed) - 1
        missed, kept = passed[:dropped], passed[dropped:]
        grace = self.grace if self.grace is not None else ON_TIME if self.misfire == "none" else None
        if grace is not None:
            missed += [at for at in kept if now - at > grace]
            kept = [at for at in kept if now - at <= grace]
        return Due(tuple(kept), tuple(missed[-MOST_AT_ONCE:]), len(missed), next_fire)

    def _passed(self, first: int, now: int) -> tuple[list[int], int | None]:
        """The fires from ``first`` to now, and the next one. After a long absence only the last
        hundreds are named: the rest is one jump."""
        back = 10 * MOST_AT_ONCE * (self.interval or SECOND)
        while True:                       # from ever further back, so that no year of seconds is walked
            begin = max(first, now - back)
            passed: list[int] = []
            at = None
            for at in self.fires(begin - 1):
                if at > now:
                    break
                passed.append(at)
            following = at if at is not None and at > now else None
            if begin == first or len(passed) >= 10 * MOST_AT_ONCE:
                return passed, following
            back *= 8

    def delay(self, name: str, fire: int) -> int:
        """µs by which the job of this fire is due later: spread evenly below ``jitter``, the same for
        the same fire whoever computes it."""
        if not self.jitter:
            return 0
        digest = hashlib.blake2b(f"{name}/{fire}".encode(), digest_size=8).digest()
        return int.from_bytes(digest, "little") % self.jitter

    def never(self, now: int) -> bool:
        """Whether nothing will ever fire from now on."""
        return self.after(now - 1) is None

    # -- words -------------------------------------------------------------------------------------

    def words(self) -> str:
        """``every weekday at 09:00 Europe/Madrid``; ``every 10 minutes``."""
        if self.interval is None:
            said = Cron(str(self.cron)).words()
            return said if self.tz == "UTC" and " at " not in said else f"{said} {self.tz}"
        return f"every {_span(self.interval)}"

    def to_json(self) -> str:
        blank = Rule(interval=SECOND)
        return json.dumps({name: value for name, value in asdict(self).items()
                           if name == "interval" or value != getattr(blank, name)},
                          separators=(",", ":"), sort_keys=True)

    @classmethod
    @stored("the rule of a schedule")
    def from_json(cls, text: str) -> Rule:
        return cls(**json.loads(text))


@dataclass(frozen=True, slots=True)
class Due:
    """``fires`` become jobs, ``missed`` (the last hundred of ``missed_count``) do not; ``next_fire``
    is the next one, None when the schedule is over."""

    fires: tuple[int, ...]
    missed: tuple[int, ...]
    missed_count: int
    next_fire: int | None


def _span(microseconds: int) -> str:
    for size, word in ((86400, "day"), (3600, "hour"), (60, "minute")):
        count, rest = divmod(microseconds, size * SECOND)
        if count and not rest:
            return word if count == 1 else f"{count} {word}s"
    seconds = microseconds / SECOND
    return "second" if seconds == 1 else f"{seconds:g} seconds"


def when(value: object, tz: str, what: str) -> int:
    """UTC µs of a datetime or an ISO text; naive ones are in ``tz``."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise OptionError(f"{what}: {value!r} is no moment", where=what,
                              remedy="Such as 2026-03-01T09:30, or a datetime.") from None
    if not isinstance(value, datetime):
        raise OptionError(f"{what}: {value!r:.60} is no moment", where=what,
                          remedy="Such as 2026-03-01T09:30, or a datetime.")
    aware = value if value.tzinfo is not None else value.replace(tzinfo=zone(tz))
    return round(aware.astimezone(UTC).timestamp() * 1e6)


def local_zone() -> str:
    """The name of this machine's time zone; UTC where it has none that the database knows."""
    import os
    from pathlib import Path

    named = os.environ.get("TZ", "").lstrip(":")
    link = Path("/etc/localtime")
    if not named and link.is_symlink():
        named = str(link.resolve()).partition("zoneinfo/")[2]
    try:
        zone(named)
    except OptionError:
        return "UTC"
    return named
