"""Processes that said that all is done: nobody waits for them, and none stays."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from typing import Any, cast

import pytest

from tether_lab.worker.leaving import WITHIN, Leaving
from tether_lab.worker.process import Process

POOL, OTHER = cast("Any", object()), cast("Any", object())


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    """A process that does not go, leading a group as a job process does."""
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as process:
        yield process
        process.kill()


def leaves(leaving: Leaving, child: subprocess.Popen[bytes], token: int = 1) -> None:
    """It says that it is done, and its descriptors are closed, as ``Pools.part`` does."""
    process = Process(token, warm=False)
    process.handed_over()
    process.started_as(child.pid)
    leaving.see_off(process, POOL)
    process.close()


def test_one_that_stays_is_killed(child: subprocess.Popen[bytes]) -> None:
    """Not before its time has passed, and for good afterwards."""
    leaving = Leaving()
    leaves(leaving, child)
    leaving.tend(time.monotonic() + WITHIN - 1)
    assert child.poll() is None
    leaving.tend(time.monotonic() + WITHIN)
    assert child.wait(10) == -9


@pytest.mark.parametrize("how", ["told by its zygote", "reaped here", "lost with its zygote"])
def test_nobody_is_killed_by_the_number_of_one_that_has_gone(child: subprocess.Popen[bytes], how: str) -> None:
    """However its end was heard of: the number may be another process's by then, as it is here."""
    leaving = Leaving()
    leaves(leaving, child)
    if how == "told by its zygote":
        leaving.gone(1)
    elif how == "reaped here":
        assert leaving.reaped(child.pid)
        assert not leaving.reaped(child.pid)
    else:
        leaving.lost(POOL)
    leaving.tend(time.monotonic() + WITHIN)
    assert child.poll() is None


def test_those_of_another_zygote_stay_known(child: subprocess.Popen[bytes]) -> None:
    """One zygote's death says nothing of the children of another."""
    leaving = Leaving()
    leaves(leaving, child)
    leaving.lost(OTHER)
    leaving.tend(time.monotonic() + WITHIN)
    assert child.wait(10) == -9
