"""Changes of jobs are written down by SQLite only while somebody wants to be told."""

from __future__ import annotations

import sqlite3
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests import queues
from tests.queues import NOW
from tether_lab.job.trigger import TriggerRow
from tether_lab.job_queue import causes, handlers, listening
from tether_lab.job_queue.queue import Queue

NOTIFY = '{"notify":{"to":["desktop"]}}'


def told(queue: Queue) -> set[str]:
    with queue.read() as connection:
        return {name for (name,) in connection.execute(
            "SELECT name FROM sqlite_schema WHERE type = 'trigger' AND name IN ('job_happened', 'job_caused')")}


def run(queue: Queue) -> int:
    """Run all that is there; how much was written down for hooks."""
    claimed = queues.turn(queue).claimed
    queues.turn(queue, limit=0, finished=[queues.ending(job) for job in claimed])
    with queue.write() as connection:
        return connection.execute("DELETE FROM happening").rowcount


def test_a_plain_lab_writes_nothing_down(tmp_path: Path) -> None:
    """No trigger is on the job's way."""
    queue = queues.opened(tmp_path, "supervisor")
    queues.put(queue, queues.registered(queue), 3)
    assert run(queue) == 0
    assert told(queue) == set()


def test_a_hook_counts_from_its_registration_until_it_goes(tmp_path: Path) -> None:
    """Also for jobs that were there before, in another connection; a job that asks to notify keeps it."""
    queue, other = queues.opened(tmp_path, "supervisor"), Queue.open(queues.folder(tmp_path))
    handler = queues.registered(queue)
    queues.put(queue, handler)
    assert run(queue) == 0
    queues.put(queue, handler)
    queues.registered(other, "~on_success:tell")
    assert run(queue) == 2                       # that it started, that it ended
    assert not listening.unheard(other)
    queues.put(other, handler, options=NOTIFY)
    assert handlers.remove_extra(other, "~on_success:tell")
    assert not listening.unheard(other)
    assert run(queue) == 2
    with other.write() as connection:
        connection.execute("UPDATE job SET options = '{}'")
    assert listening.unheard(other)
    assert told(queue) == set()
    assert not listening.unheard(other)
    queues.put(queue, handler, options=NOTIFY)
    assert told(other) == {"job_happened"}
    assert run(queue) == 2


def test_a_job_that_comes_while_one_looks_keeps_the_trigger(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Between the look without the lock and the one with it."""
    queue, other = queues.opened(tmp_path, "supervisor"), Queue.open(queues.folder(tmp_path))
    handler = queues.registered(queue)
    queues.registered(queue, "~on_success:tell")
    handlers.remove_extra(queue, "~on_success:tell")
    write = queue.write

    def late(*, power: bool) -> AbstractContextManager[sqlite3.Connection]:
        queues.put(other, handler, options=NOTIFY)
        return write(power=power)

    with monkeypatch.context() as patched:
        patched.setattr(queue, "write", late)
        assert not listening.unheard(queue)
    assert run(queue) == 2


def test_ends_are_written_down_while_a_trigger_waits_for_one(tmp_path: Path) -> None:
    """From the first that waits for a job's end to the last."""
    queue = queues.opened(tmp_path, "supervisor")
    handler = queues.registered(queue)
    row = causes.put(queue, TriggerRow(
        id=0, uuid="u", name="t", kind="job", key="train", about='{"on":["completed"]}', payload="{}",
        options="{}", after_key="load", paused=False, trouble=None, fired=0, fired_at=None, seen_at=NOW,
        job_id=None, created_at=NOW, key_id="k1", mac=b"mac"), now=NOW)
    assert told(queue) == {"job_caused"}
    load = queues.registered(queue, "load")
    queues.put(queue, load)
    queues.put(queue, handler)
    run(queue)
    with queue.read() as connection:
        assert connection.execute("SELECT job_key FROM caused").fetchall() == [("load",)]
    causes.remove(queue, row)
    assert told(queue) == set()
