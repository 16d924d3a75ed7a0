"""What a board shows of a lab, read on an event loop: any number of jobs by the page, counts, groups.

The reads go through a ``Reader`` of the board's own, so that a long one (a search through all jobs is a
pass over the table) holds up no verb of the kernel.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from tether_lab.job import JobRow, State
from tether_lab.job.schedule import ScheduleRow
from tether_lab.job.service import ServiceRow
from tether_lab.job.workflow import BatchRow, ChainRow

from . import limits, rows, schedules, services
from .reader import Reader
from .statements import sql

SORTS = ("id", "key", "status", "attempts", "created", "priority", "queue", "took")


@dataclass(frozen=True, slots=True)
class Asked:
    """Which page of which jobs. ``words`` is looked for in key, description, tags, error and the first
    2,000 characters of the payload, case aside (what is encrypted cannot be found); a number also finds
    the job of that number."""

    states: Collection[State] | None = None
    key: str | None = None
    queue: str | None = None
    tag: str | None = None
    chain: int | None = None
    batch: int | None = None
    words: str = ""
    sort: str = "id"
    down: bool = True
    limit: int = 25
    offset: int = 0

    @property
    def plain(self) -> bool:
        """Newest first, with no filter but states: the page can be read without a pass over the table."""
        return (self.sort, self.down, self.words) == ("id", True, "") and not any(
            (self.key, self.queue, self.tag, self.chain, self.batch))

    def values(self, now: int) -> dict[str, Any]:
        """The parameters of the board's statements."""
        words = self.words.strip()
        for character in "!%_":
            words = words.replace(character, f"!{character}")
        return {"states": None if self.states is None else json.dumps(sorted(map(str, self.states))),
                "key": self.key, "queue": self.queue, "tag": self.tag, "chain": self.chain, "batch": self.batch,
                "words": f"%{words}%" if words else None, "sort": self.sort, "down": self.down, "now": now,
                "number": int(words) if words.isdecimal() and len(words) < 19 else None,
                "limit": self.limit, "offset": self.offset}


@dataclass(frozen=True, slots=True)
class Tally:
    """Jobs of one key and queue in one state; how many of them ended in the last hour, the last day."""

    key: str
    queue: str
    state: State
    jobs: int
    hour: int
    day: int


async def jobs(reader: Reader, asked: Asked, now: int) -> tuple[list[JobRow], int | None]:
    """The page, and how many jobs fit; None where the tally says so (``asked.plain``)."""
    values = asked.values(now)
    if asked.plain:
        wanted = {name: values[name] for name in ("states", "limit", "offset")}
        return _rows(reader, await reader.fetch(sql("board_newest"), wanted)), None
    lines = [line for line in sql("board_found").splitlines() if not any(
        f"(:{name} IS NULL OR" in line for name, value in values.items() if value is None)]
    found = await reader.fetch("\n".join(lines), values)
    if not found and asked.offset:         # a page behind the last: whoever asked counts again from the first
        return [], None
    return _rows(reader, found), found[0]["fitting"] if found else 0


async def tally(reader: Reader, now: int) -> list[Tally]:
    """All jobs, counted. A pass over the table: not more often than it is cheap."""
    hour, day = now - 3_600_000_000, now - 86_400_000_000
    return [Tally(row["key"], row["queue"], State(row["state"]), row["jobs"], row["hour"], row["day"])
            for row in await reader.fetch(sql("board_tally"), {"hour": hour, "day": day})]


async def running(reader: Reader, limit: int = 100) -> list[JobRow]:
    """The jobs that run now, the longest first."""
    return _rows(reader, await reader.fetch(sql("board_running"), {"limit": limit}))


def _rows(reader: Reader, found: Sequence[Any]) -> list[JobRow]:
    return [rows.job_row(dict(row), reader.queue) for row in found]


async def usual(reader: Reader, key: str) -> float | None:
    """The median seconds of the last completed jobs of a key; None before there are any."""
    found = await reader.fetch(sql("board_usual"), {"key": key, "limit": 5})
    took = sorted(row["took"] / 1e6 for row in found)
    return took[len(took) // 2] if took else None


async def chains(reader: Reader, limit: int, number: int | None = None) -> list[ChainRow]:
    """The newest chains as they stand, or one."""
    return [ChainRow(row["id"], row["uuid"], row["name"], row["created_at"], row["finished_at"],
                     {State(state): n for state, n in json.loads(row["counts"]).items()}, row["tolerated"])
            for row in await reader.fetch(sql("board_chains"), {"limit": limit, "id": number})]


async def batches(reader: Reader, limit: int, number: int | None = None) -> list[BatchRow]:
    """The newest batches as they stand, or one."""
    return [BatchRow(*row)
            for row in await reader.fetch(sql("board_batches"), {"limit": limit, "id": number})]


async def all_schedules(reader: Reader) -> list[ScheduleRow]:
    """All schedules, the next to fire first."""
    return [schedules.shown(tuple(row)) for row in await reader.fetch(sql("schedule_list"), {})]


async def all_services(reader: Reader) -> list[ServiceRow]:
    """All services, by name."""
    return [services.row_of(tuple(row))
            for row in await reader.fetch(sql("service_list"), {"name": None, "job": None})]


async def paused(reader: Reader) -> tuple[set[str], bool]:
    """The paused queues, and whether everything is paused."""
    names = {row["queue"] for row in await reader.fetch(sql("pause_list"), {})}
    return names - {limits.EVERYTHING}, limits.EVERYTHING in names


async def runners(reader: Reader) -> int | None:
    """How many jobs the worker that runs now takes at once; None where none is known to run."""
    found = await reader.fetch(sql("worker_list"), {})
    return next((int(row["runners"]) for row in found if row["state"] in ("running", "draining")), None)


async def next_due(reader: Reader) -> int | None:
    """The next moment (UTC µs) at which something happens by itself."""
    found = (await reader.fetch(sql("next_due"), {}))[0][0]
    return None if found is None else int(found)
