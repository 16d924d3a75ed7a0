"""What every test gets: a home of its own for labs and keys, and nothing left running after it."""

from __future__ import annotations

import os
import resource
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

MEMORY = 8 * 10**9          # bytes of address space; a runaway cell ends in MemoryError, not in swap


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


def end_processes_of(folder: Path) -> None:
    """SIGKILL every process that was started for a lab below ``folder``, and what it started.

    Workers are detached on purpose, so they are found by their command line, not by parentage.
    """
    found: dict[int, psutil.Process] = {}
    for process in psutil.process_iter(["cmdline"]):
        if any(str(folder) in part for part in process.info["cmdline"] or ()) and process.pid != os.getpid():
            try:
                found.update({p.pid: p for p in (process, *process.children(recursive=True))})
            except psutil.NoSuchProcess:
                continue
    for process in found.values():
        try:
            process.send_signal(signal.SIGKILL)
        except psutil.NoSuchProcess:
            continue
    deadline = time.monotonic() + 5
    while any(_lives(process) for process in found.values()) and time.monotonic() < deadline:
        time.sleep(0.01)


def _lives(process: psutil.Process) -> bool:
    """A zombie has ended; whoever adopted it will collect it some time."""
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
