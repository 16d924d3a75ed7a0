"""Enqueue, one a call and ten thousand at once, beside plain rows in sqlite3 of the same durability."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter

from figure import Figure, spread
from raw_sqlite import RawQueue

ROUNDS, ONE, MANY = 5, 1000, 10_000


def noop(i: int = 0) -> None:
    pass


def enqueuing() -> Iterator[Figure]:
    """Validated, signed, on disk; no worker runs, so that nobody else writes."""
    from tether_lab import Lab

    for durability in ("process", "power"):
        with Lab(f"enqueue-{durability}", durability=durability, autostart=False) as lab:
            lab.register(noop, "noop", isolation="warm")
            lab.enqueue("noop", {"i": 0})
            raw = RawQueue(Path(lab.folder.path) / "raw.db", durability)
            one, many, shares = [], [], {"one": [], "many": []}
            for _ in range(ROUNDS):
                limit = raw.one_by_one(ONE)
                begun = perf_counter()
                for n in range(ONE):
                    lab.enqueue("noop", {"i": n})
                one.append(ONE / (perf_counter() - begun))
                shares["one"].append(one[-1] / statistics.mean((limit, raw.one_by_one(ONE))))
                limit, payloads = raw.at_once(MANY), [{"i": n} for n in range(MANY)]
                begun = perf_counter()
                lab.enqueue_many("noop", payloads)
                many.append(MANY / (perf_counter() - begun))
                shares["many"].append(many[-1] / limit)
            raw.close()
        promised = durability == "process"
        for name, found, share, target in (
                ("one a call", one, shares["one"], 0.4),
                ("enqueue_many of 10 000", many, shares["many"], 0.25)):
            yield Figure(f"enqueue, {name}, {durability}", statistics.median(found), None, "/s", spread(found))
            yield Figure(f"enqueue, {name}, {durability}: share of raw", statistics.median(share),
                         target if promised else None, "×", spread(share), at_least=True)
