"""Fault matrix, row 39: whoever waits for a write is cancelled midway, as a web page is that is closed. The
write is whole all the same: done, or refused, never half, and no transaction stays open."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tether_lab import Lab
from tether_lab.server.labs import Labs

HOLDER = """
import sqlite3, sys, time
c = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=10)
while sys.stdin.readline():
    c.execute("BEGIN IMMEDIATE")
    print("held", flush=True)
    time.sleep(0.15)
    c.execute("ROLLBACK")
"""


@pytest.fixture
def lab(home: Path) -> Iterator[Lab]:
    with Lab(autostart=False) as made:
        made.register(lambda n: n, "work")
        yield made


@pytest.fixture
def holder(lab: Lab) -> Iterator[subprocess.Popen[str]]:
    """Another process, which holds the write lock for a moment whenever it is told to."""
    other = subprocess.Popen([sys.executable, "-c", HOLDER, str(lab.folder.queue_db)], text=True,
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    yield other
    other.kill()
    other.communicate()


@pytest.mark.row(39)
async def test_a_write_that_nobody_waits_for_any_more_is_whole(
    lab: Lab, holder: subprocess.Popen[str],
) -> None:
    """Cancelled before its thread begins, while it waits for the lock, inside its transaction and after it:
    each of the jobs is there once, and the next writer gets the lock at once."""
    labs = Labs(lambda _: None, logging.getLogger("test"))
    assert holder.stdin is not None
    assert holder.stdout is not None
    cancelled = 0
    for number in range(30):
        if number % 5 == 0:
            holder.stdin.write("hold\n")
            holder.stdin.flush()
            assert await asyncio.to_thread(holder.stdout.readline) == "held\n"
        task = asyncio.create_task(labs.call(lab.enqueue, "work", {"n": number}))
        for _ in range(number % 3):
            await asyncio.sleep(0)
        await asyncio.sleep(number % 7 * 0.0004)
        cancelled += task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    assert cancelled > 10, "or the machine was so quick that nothing was tried"
    await labs.call(lambda: None)
    await asyncio.to_thread(labs._pool.shutdown, True)
    numbers = sorted(job.payload["n"] for job in lab.jobs(limit=100))
    assert numbers == list(range(30)), "those whose thread had begun, and those that waited for one"
    lab.queue.deadline = 0.5
    lab.enqueue("work", {"n": 30})
    with lab.queue.read() as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


@pytest.mark.row(39)
async def test_a_write_that_fails_after_nobody_waits_leaves_nothing(lab: Lab) -> None:
    """A verb that fails in the middle of its thread: its transaction is rolled back, though nobody is there to
    hear why."""
    labs = Labs(lambda _: None, logging.getLogger("test"))

    def half() -> None:
        with lab.queue.write() as connection:
            connection.execute("UPDATE handler SET defaults = 'half'")
            raise RuntimeError("in the middle")

    for number in range(10):
        task = asyncio.create_task(labs.call(half))
        await asyncio.sleep(number * 0.0003)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError, RuntimeError):
            await task
    await asyncio.to_thread(labs._pool.shutdown, True)
    lab.queue.deadline = 0.5
    assert lab.enqueue("work", {"n": 1}).id
