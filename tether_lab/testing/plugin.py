"""Fixtures for pytest, there as soon as Tether Lab is installed: inline_lab, manual_clock, worker_lab."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tether_lab.lab import Lab

    from .clocks import ManualClock
    from .inline import InlineLab


@pytest.fixture
def manual_clock() -> ManualClock:
    """A clock that stands still until the test moves it; ``inline_lab`` follows it."""
    from .clocks import ManualClock

    return ManualClock()


@pytest.fixture
def inline_lab(manual_clock: ManualClock) -> Iterator[InlineLab]:
    """A fresh lab whose jobs run in this process: ``inline_lab.drain()``."""
    from .inline import inline_lab as made

    with made(clock=manual_clock) as lab:
        yield lab


@pytest.fixture
def worker_lab() -> Iterator[Lab]:
    """A fresh lab with a real worker, for cells, timeouts and processes."""
    from .labs import temporary_lab

    with temporary_lab() as lab:
        yield lab
