"""A lab for one test, with a real worker where jobs ask for one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tether_lab import Lab


def working_lab(**settings: Any) -> Iterator[Lab]:
    """The lab ``default`` with these settings, for a fixture; its worker is stopped afterwards."""
    lab = Lab(**settings)
    yield lab
    lab.close()
    lab.worker.stop(now=True, timeout=10)
