"""What every test gets: a home of its own for labs and keys, and nothing left running after it."""

from __future__ import annotations

import gc
import os
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest
from leftovers import end_processes_of

MEMORY = 8 * 10**9          # bytes of address space; a runaway cell ends in MemoryError, not in swap


def pytest_collection_finish() -> None:
    """What is imported by now stays: no collection of garbage during the tests looks at it again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty home for labs (``TETHER_LAB_HOME``) and for keys; its processes end with the test."""
    folder = tmp_path_factory.mktemp("h")
    folder.chmod(0o700)
    for name in ("XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "IPYTHONDIR"):
        (folder / name.lower()).mkdir(mode=0o700)
        monkeypatch.setenv(name, str(folder / name.lower()))
    for name in [n for n in os.environ if n.startswith("TETHER_LAB_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("TETHER_LAB_HOME", str(folder / "labs-home"))
    yield folder
    end_processes_of(folder)


@pytest.fixture
def memory() -> Iterator[int]:
    """A bound on the address space of this process and of all that it starts."""
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, before[1]))
    yield MEMORY
    resource.setrlimit(resource.RLIMIT_AS, before)
