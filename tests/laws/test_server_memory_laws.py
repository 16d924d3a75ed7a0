"""Whoever asks the server's memory for what he missed has, in the end, seen everything, however he asks."""

from __future__ import annotations

from hypothesis import given, settings, strategies as st

from tether_lab.server import live
from tether_lab.server.live import Memory

tellings = st.lists(st.lists(st.integers(1, 12), max_size=6, unique=True), max_size=12)


@settings(max_examples=200, deadline=None)
@given(tellings, st.lists(st.tuples(st.integers(0, 11), st.integers(1, 5)), max_size=8), st.integers(3, 40))
def test_nobody_misses_a_job(told: list[list[int]], asked: list[tuple[int, int]], remembered: int) -> None:
    """A model page that holds for each job the last telling it heard of: after it has asked to the end it
    holds the truth, by changes or by loading again; pages hold as many jobs as asked for at most."""
    before, live.REMEMBERED = live.REMEMBERED, remembered
    try:
        memory, truth = Memory(), dict[int, int]()
        cursor, held = memory.cursor, dict[int, int]()
        for step, jobs in enumerate(told):
            memory.add(jobs, ["jobs"], [])
            truth |= dict.fromkeys(jobs, step)
            for when, limit in asked:
                if when == step:
                    found = memory.since(cursor, limit)
                    assert len(found.jobs) <= limit
                    held = dict(truth) if found.reset else held | {job: truth[job] for job in found.jobs}
                    cursor = found.cursor
        more = True
        while more:
            found = memory.since(cursor, 2)
            held = dict(truth) if found.reset else held | {job: truth[job] for job in found.jobs}
            cursor, more = found.cursor, found.more
        assert held == truth
        assert memory.since(cursor, 1).jobs == []
    finally:
        live.REMEMBERED = before


def test_a_cursor_of_another_memory_loads_again() -> None:
    """Another server's cursor, one of the future, one that is none: reset."""
    memory, other = Memory(), Memory()
    memory.add([1], ["jobs"], [])
    name, _, number = memory.cursor.rpartition("-")
    for cursor in (other.cursor, f"{name}-{int(number) + 1}", f"{name}-x", "", "-1", f"{name}-٣"):
        assert memory.since(cursor, 10).reset, cursor
    assert not memory.since(f"{name}-0", 10).reset
    memory.add([], ["jobs"], [], all_else=True)
    assert memory.since(f"{name}-0", 10).reset
