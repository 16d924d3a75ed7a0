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


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """One bench with one running worker for all tests of a module that leave both as they were."""
    place = tmp_path_factory.mktemp("s")
    place.chmod(0o700)
    with pytest.MonkeyPatch.context() as patch:
        for name in ("XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "IPYTHONDIR"):
            (place / name.lower()).mkdir(mode=0o700)
            patch.setenv(name, str(place / name.lower()))
        patch.setenv("TETHER_LAB_HOME", str(place / "labs-home"))
        bench = Bench(place / "lab", cancel_grace=2.0, drain_grace=5.0, crash_budget=1)
        worker = bench.worker()
    yield bench
    assert worker.poll() is None, f"a job ended its worker\n{bench.log()}"
    bench.close()
