"""What the dashboard reads: every page against a plain loop over SQLite's own rows."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import queues
from seeded import UNTIL, lab_with_history, rows

from tether_lab.job import State
from tether_lab.job_queue import board
from tether_lab.job_queue.board import Asked
from tether_lab.job_queue.reader import Reader
from tether_lab.lab import Lab

NOW = round(UNTIL.timestamp() * 1e6)
Row = dict[str, Any]


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with lab_with_history(400) as (found, _):
        yield found


def _took(row: Row) -> int | None:
    known = row["started_at"] is not None and row["finished_at"] is not None
    return row["finished_at"] - row["started_at"] if known else None


def _says(row: Row, word: str) -> bool:
    texts = (row["key"], row["description"], row["tags"], row["error"], row["payload"][:2000])
    return any(word.lower() in (text or "").lower() for text in texts) or row["id"] == (
        int(word) if word.isdecimal() else None)


FILTERS: list[tuple[dict[str, Any], Callable[[Row], bool]]] = [
    ({}, lambda row: True),
    ({"states": [State.FAILED]}, lambda row: row["state"] == "failed"),
    ({"key": "back-up"}, lambda row: row["key"] == "back-up"),
    ({"tag": "mail"}, lambda row: "mail" in json.loads(row["tags"])),
    ({"queue": "nowhere"}, lambda row: False),
    ({"words": "TIMED out"}, lambda row: _says(row, "timed out")),
    ({"words": "17"}, lambda row: _says(row, "17")),
    ({"words": "100%_!"}, lambda row: _says(row, "100%_!")),
    ({"words": "oil", "states": [State.COMPLETED], "key": "fetch-prices"},
     lambda row: _says(row, "oil") and row["state"] == "completed" and row["key"] == "fetch-prices")]
SORTS: dict[str, Callable[[Row], Any]] = {
    "id": lambda row: row["id"], "key": lambda row: row["key"], "status": lambda row: row["state"],
    "attempts": lambda row: row["attempt"], "created": lambda row: row["created_at"], "took": _took,
    "priority": lambda row: row["priority"], "queue": lambda row: row["queue"]}


@pytest.mark.parametrize(("given", "fits"), FILTERS)
async def test_a_filter_finds_what_a_loop_finds(
    lab: Lab, given: dict[str, Any], fits: Callable[[Row], bool],
) -> None:
    """Ids and their number; page by page there is none twice and none missing."""
    wanted = [row["id"] for row in rows(lab, "SELECT * FROM job ORDER BY id DESC") if fits(row)]
    reader, found, total = Reader(lab.queue), [], None
    for offset in range(0, len(wanted) + 1, 100):
        page, total = await board.jobs(reader, Asked(**given, limit=100, offset=offset), NOW)
        found += [row.id for row in page]
    assert found == wanted
    assert total in (None, len(wanted)) or not wanted


@pytest.mark.parametrize("down", [True, False])
@pytest.mark.parametrize("sort", SORTS)
async def test_an_order_is_that_of_a_sort(lab: Lab, sort: str, down: bool) -> None:
    """Jobs that have no such value come last, equal ones newest first."""
    value = SORTS[sort]
    known = sorted(rows(lab, "SELECT * FROM job"), key=lambda row: -row["id"])
    have = sorted((row for row in known if value(row) is not None), key=value, reverse=down)
    expected = [row["id"] for row in [*have, *(row for row in known if value(row) is None)]]
    page, _ = await board.jobs(Reader(lab.queue), Asked(sort=sort, down=down, limit=1000), NOW)
    assert [row.id for row in page] == expected


async def test_the_tally_counts_every_job_once(lab: Lab) -> None:
    """By key, queue and state; the last hour and day by the moment of the end."""
    known = rows(lab, "SELECT * FROM job")
    last = max(row["finished_at"] for row in known)
    found = await board.tally(Reader(lab.queue), last)
    assert Counter({(each.key, each.queue, each.state.value): each.jobs for each in found}) == Counter(
        (row["key"], row["queue"], row["state"]) for row in known)
    ends = [row["finished_at"] for row in known]
    assert sum(each.hour for each in found) == sum(end >= last - 3_600_000_000 for end in ends) > 0
    assert sum(each.day for each in found) == sum(end >= last - 86_400_000_000 for end in ends)


async def test_what_is_usual_is_the_median_of_the_last_five(lab: Lab) -> None:
    """Seconds of completed runs; None for a key that never ran."""
    last = [_took(row) for row in rows(lab, "SELECT * FROM job WHERE key = 'back-up' AND state = 'completed' "
                                            "ORDER BY id DESC LIMIT 5")]
    assert await board.usual(Reader(lab.queue), "back-up") == sorted(last)[2] / 1e6  # type: ignore[type-var]
    assert await board.usual(Reader(lab.queue), "nobody") is None


async def test_running_jobs_are_those_that_run(tmp_path: Path) -> None:
    """The longest first, read from the index."""
    queue = queues.opened(tmp_path)
    queues.put(queue, queues.registered(queue), 5)
    queues.turn(queue, limit=1)
    queues.turn(queue, limit=1, now=queues.NOW + 5)
    found = await board.running(Reader(queue))
    assert [row.state for row in found] == [State.RUNNING] * 2
    assert [row.started_at for row in found] == sorted(row.started_at or 0 for row in found)
    assert await board.running(Reader(queue), limit=1) == found[:1]
