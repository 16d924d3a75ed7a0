"""Jobs ahead, between a worker's and a job's end of the sockets: told at once, taken one by one, taken back."""

from __future__ import annotations

import os
import select
import time
from collections.abc import Iterator
from contextlib import closing
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tether_lab.runner import wire
from tether_lab.runner.channel import Channel
from tether_lab.runner.output import Output
from tether_lab.runner.tasks import Tasks
from tether_lab.worker.pools import Pools
from tether_lab.worker.process import Process
from tether_lab.worker.selector import Selector


def more(job_id: int, epoch: int = 1) -> wire.More:
    return wire.More(1, job_id, f"{job_id:032x}", epoch, 1, 3, "{}", 0)


@pytest.fixture
def process() -> Iterator[Process]:
    found = Process(1, warm=True)
    yield found
    found.close()


@pytest.fixture
def channel(process: Process) -> Iterator[Channel]:
    control, *_, ahead = map(os.dup, process.theirs)
    found = Channel(control, ahead)
    yield found
    found.close()


def hand(process: Process, *jobs: wire.More) -> None:
    assert all(map(process.hand, jobs))
    assert process.send_ahead()


def test_jobs_are_taken_in_the_order_in_which_they_were_handed(process: Process, channel: Channel) -> None:
    """Several were told in one message, and again several; after the last there is none."""
    hand(process, more(2), more(3))
    hand(process, more(4))
    assert not process.send_ahead()
    taken = [channel.more(1) for _ in range(3)]
    assert taken == [more(2), more(3), more(4)]
    assert channel.more(1) is None


def test_what_was_not_taken_is_taken_back_told_or_not(process: Process, channel: Channel) -> None:
    """Oldest first; the process finds nothing any more."""
    hand(process, more(2), more(3), more(4))
    assert channel.more(1) == more(2)
    assert process.hand(more(5))
    assert process.take_back() == [3, 4, 5]
    assert channel.more(1) is None
    assert process.take_back() == []


def test_a_job_that_comes_again_is_the_one_that_was_told_last(process: Process, channel: Channel) -> None:
    """Its older claim is void, and nothing of what was taken back is kept."""
    hand(process, more(2), more(3), more(4))
    assert process.take_back() == [2, 3, 4]
    hand(process, more(3, epoch=3))
    assert channel.more(1) == more(3, epoch=3)
    assert not channel._told


def test_a_ticket_in_hand_outlives_what_is_told_afresh(process: Process, channel: Channel) -> None:
    """It was read before the others were taken back, and what it stands for is still on its way."""
    hand(process, more(2), more(3))
    ticket = channel._ahead.recv(8)  # type: ignore[union-attr]
    assert process.take_back() == [3]
    hand(process, more(4))
    channel._ahead.close()  # type: ignore[union-attr]
    channel._ahead = _Given([ticket])  # type: ignore[assignment]
    assert channel._take() == more(2)
    assert list(channel._told) == [4]


class _Given:
    """A socket that gives what it was given."""

    def __init__(self, data: list[bytes]) -> None:
        self._data = data

    def recv(self, *_: int) -> bytes:
        return self._data.pop(0)

    def close(self) -> None:
        pass


def test_a_ticket_behind_a_task_that_was_not_read_is_left(process: Process, channel: Channel) -> None:
    """It can be taken back while that task runs; the task comes first, also where one waits."""
    hand(process, more(2))
    assert channel.more(7) is None
    assert channel.more(None) is None
    process.send(wire.Rouse())
    assert channel.wait(7) == wire.Rouse()
    assert process.take_back() == [2]
    assert channel.more(1) is None


class _Quiet:
    """An output that is heard by nobody."""

    def rest(self) -> None: ...
    def flush(self) -> None: ...


def task(job_id: int) -> wire.Task:
    nothing = "{}"
    return wire.Task(job_id, f"{job_id:032x}", 1, 1, 3, "noop", "function", "v", "", nothing, nothing, nothing,
                     nothing, "", {}, "")


def test_what_waits_behind_a_task_can_be_taken_back_once_it_runs(process: Process, channel: Channel) -> None:
    """Also if a process was just roused, and finds the task and the ticket behind it at the same time."""
    tasks = Tasks(channel, cast("Output", _Quiet()), lambda _: None)
    process.send(task(1))
    assert tasks.next() == task(1)
    process.send(wire.Rouse())
    process.send(task(9))
    hand(process, wire.More(9, 2, "2" * 32, 1, 1, 3, "{}", 0))
    assert tasks.next() == task(9)
    assert process.take_back() == [2]


def test_waiting_reads_what_is_told_and_comes_back_with_the_job(process: Process, channel: Channel) -> None:
    """What is told of jobs ahead is no message by itself."""
    hand(process, more(2))
    assert channel.wait(1) == more(2)
    process.send(wire.Emptied())
    hand(process, more(3))
    assert channel.wait(1) == wire.Emptied()
    assert channel.wait(1) == more(3)


def test_a_process_that_rested_is_roused(process: Process, channel: Channel) -> None:
    """Just after a job it is ready anyway, and hears nothing."""
    process.kept_at = time.monotonic()
    process.rouse()
    assert channel.is_silent(0.0)
    process.kept_at -= 1.0
    process.rouse()
    assert channel.wait(1) == wire.Rouse()


def test_of_processes_that_rest_the_last_one_is_roused(process: Process, channel: Channel) -> None:
    """Of any handler: that one will probably be given the next job."""
    with closing(Selector()) as selector, closing(Process(2, warm=True)) as other:
        pools: Any = Pools(selector, ahead=0, log=print, on_event=lambda *_: None)
        pools.rouse()
        pools._pools["python"] = SimpleNamespace(warm={1: [other, process], 2: [], 3: [other]})
        process.kept_at, other.kept_at = time.monotonic() - 1.0, time.monotonic() - 2.0
        pools.rouse()
        assert channel.wait(1) == wire.Rouse()
        assert select.select([other.theirs[0]], [], [], 0.0) == ([], [], [])
