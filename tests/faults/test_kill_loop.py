"""Fault matrix, row 4: everything is killed at random; nothing is lost, nothing doubled."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from faults.kill_loop import kill_loop


@pytest.mark.row(4)
@pytest.mark.timeout(240)
def test_random_kills_lose_nothing(home: Path) -> None:
    """Half a minute of SIGKILLs; the seed is printed."""
    report = kill_loop(home / "lab", seed=random.SystemRandom().randrange(10**6), seconds=30)
    print(report)
    assert report.clean, str(report)
    assert sum(report.kills.values()) >= 20        # or it proved nothing; how many depends on the machine
    assert report.recovered > 0


@pytest.mark.row(4)
@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_a_thousand_kills_lose_nothing(home: Path) -> None:
    """The long form."""
    report = kill_loop(home / "lab", seed=2026, seconds=0, kills=1000)
    print(report)
    assert report.clean, str(report)
