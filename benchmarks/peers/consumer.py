"""A peer's worker as a process of its own, ended by its pid."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def consumer(folder: Path, *command: str, stop: int = signal.SIGTERM) -> Iterator[None]:
    """Run ``python -m command…`` in ``folder`` meanwhile."""
    log = (folder / "worker.log").open("w")
    process = subprocess.Popen([sys.executable, *command], cwd=folder, stdin=subprocess.DEVNULL, stdout=log,
                               stderr=subprocess.STDOUT, start_new_session=True,
                               env={**os.environ, "PYTHONPATH": f"{folder}:{Path(__file__).parent}",
                                    "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"})
    try:
        yield
    finally:
        process.send_signal(stop)
        with suppress(subprocess.TimeoutExpired):
            process.wait(15)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(5)
        log.close()
