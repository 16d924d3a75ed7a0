"""What must hold whatever happened: nothing acknowledged is lost, one accepted result at most, epochs
only grow, the database is whole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from faults.bench import Bench

from tether_lab.job import State


def whole(bench: Bench) -> None:
    """SQLite finds nothing wrong, nor do the keys between the tables."""
    with bench.queue.read() as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []


def completed(bench: Bench, expected: Mapping[int, Any], within: float = 25.0) -> None:
    """Each job ends with its value, accepted once, from its newest attempt; and the database is whole."""
    for job, value in expected.items():
        row = bench.ended(job, within=within)
        assert row.state is State.COMPLETED, (row, bench.log())
        assert bench.result(job) == value
        kinds = [event.kind for event in bench.events(job)]
        assert kinds.count("succeeded") == 1, kinds
        epochs = [attempt.epoch for attempt in bench.attempts(job)]
        assert epochs == sorted(set(epochs))
        accepted = [a.epoch for a in bench.attempts(job) if a.outcome == "succeeded"]
        assert accepted == [row.epoch], (accepted, row)
    whole(bench)
