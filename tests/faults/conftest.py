"""A bench per test: a lab, its worker processes, and the assertion that nothing is left of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from faults.bench import Bench


@pytest.fixture
def make_bench(home: Path) -> Iterator[Callable[..., Bench]]:
    """Build a bench with settings of the test's choice."""
    made: list[Bench] = []

    def make(**settings: object) -> Bench:
        made.append(Bench(home / f"lab{len(made)}", **settings))
        return made[-1]

    yield make
    for bench in made:
        bench.close()


@pytest.fixture
def bench(make_bench: Callable[..., Bench]) -> Bench:
    """A bench with two runners and a short patience."""
    return make_bench(cancel_grace=2.0, drain_grace=5.0)
