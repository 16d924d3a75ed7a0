"""Which jobs are handed to a process before it has run those before them."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from tether_lab.job import Claim, ClaimedJob, HandlerVersion, Interpreter, JobOptions, Manifest
from tether_lab.job.handler import Provenance
from tether_lab.job_queue.claim import Candidate
from tether_lab.worker import ahead, standby
from tether_lab.worker.ahead import SHORT, SILENCE, Ahead, Pace
from tether_lab.worker.dispatch import Prepared
from tether_lab.worker.process import Process

KIND = 7, "{}"
DEEP = 12
"""Short jobs in a row after which a process has as many as it may."""


def prepared(job_id: int, epoch: int = 1, *, placed: bool = False) -> Prepared:
    version = HandlerVersion(7, "u", "noop", "v", "function", "", "{}", Manifest(), Interpreter("", "", "3.11"),
                             Provenance(), 0)
    job = ClaimedJob(Claim(job_id, epoch, "w"), f"{job_id:032x}", "noop", 7, "{}", "{}", 1, 3, 0, 0, 0,
                     "k", b"", ahead=not placed)
    return Prepared(job, version, JobOptions(isolation="warm"), "{}")


@pytest.fixture
def process() -> Iterator[Process]:
    with closing(Process(1, warm=True)) as found:
        yield found


@pytest.fixture
def lines(process: Process) -> Ahead:
    """A process that runs job 1, and has jobs 2 to 5 ahead."""
    found = Ahead()
    for _ in range(DEEP):
        found.pace.learn(KIND, 0.0001)
    found.told(process, prepared(1), ())
    assert all(found.hand(prepared(n), (), {1}) for n in range(2, 6))
    return found


def test_depth_doubles_while_jobs_are_short() -> None:
    """One, one, then twice as many after each short job, up to the most."""
    pace = Pace()
    depths = []
    for _ in range(9):
        depths.append(pace.depth(KIND))
        pace.learn(KIND, 0.0001)
    assert depths == [1, 1, 2, 4, 8, 16, 32, 64, 64]


def test_one_long_job_makes_a_kind_doubtful_and_two_make_it_long() -> None:
    """A quarter of the depth after the first, one at a time after the second."""
    pace = Pace()
    for _ in range(DEEP):
        pace.learn(KIND, 0.0001)
    pace.learn(KIND, 10.0)
    assert 2 <= pace.depth(KIND) <= 8
    pace.learn(KIND, 10.0)
    assert pace.depth(KIND) == 1


def test_after_one_long_job_depth_is_soon_what_it_was() -> None:
    """On a busy machine a short job takes long now and then."""
    pace = Pace()
    for _ in range(DEEP):
        pace.learn(KIND, 0.0001)
    pace.doubt(KIND)
    for _ in range(5):
        pace.learn(KIND, 0.0001)
    assert pace.depth(KIND) == ahead.DEEPEST


def test_a_kind_of_which_every_third_is_long_goes_nearly_alone() -> None:
    """Two short ones in a row are no promise."""
    pace = Pace()
    for _ in range(30):
        for seconds in (0.0001, 0.0001, 1.0):
            pace.learn(KIND, seconds)
        assert pace.depth(KIND) <= 2


@pytest.mark.parametrize("seconds", [SHORT * 1.01, 3600.0])
def test_long_jobs_are_never_handed_ahead(seconds: float) -> None:
    """However many there were."""
    pace = Pace()
    for _ in range(DEEP):
        pace.learn(KIND, seconds)
        assert pace.depth(KIND) == 1


def test_what_is_taken_back_and_given_back_may_go_ahead_again(lines: Ahead, process: Process) -> None:
    """Nothing of it has begun, and it cannot be to blame for anything."""
    lines.take_back(process)
    assert [one.job.claim.job_id for one in lines.returned] == [2, 3, 4, 5]
    offer = lines.offer([1])
    assert offer.take(Candidate(2, 2, KIND))             # giving back spent an epoch
    assert lines.may_lead(prepared(2, 3))                # and so did the new claim
    assert lines.may_lead(prepared(3, 1))                # not given back, but handed on at once


def test_what_was_ended_before_its_time_goes_alone(lines: Ahead) -> None:
    """Rescued, retried, crashed: nobody knows whether it is to blame."""
    offer = lines.offer([1])
    assert not offer.take(Candidate(9, 1, KIND))
    assert not lines.may_lead(prepared(9, 2))
    assert offer.take(Candidate(10, 0, KIND))


def test_what_is_in_a_process_again_is_spared_no_more(lines: Ahead, process: Process) -> None:
    """Ahead in another process, which was lost, it may have done something."""
    lines.take_back(process)
    assert lines.hand(prepared(2, 3), (), {1})
    lines.lost(process)                                  # it may have begun, and said nothing of it
    assert not lines.offer([]).take(Candidate(2, 4, KIND))
    assert not lines.may_lead(prepared(2, 5))


def test_a_task_of_its_own_is_spared_no_more(lines: Ahead, process: Process) -> None:
    """It leads others, and from then on it has begun."""
    lines.take_back(process)
    with closing(Process(2, warm=True)) as other:
        lines.told(other, prepared(3, 3), ())
        assert other.token in lines.lines                # others may follow it
    assert not lines.may_lead(prepared(3, 4))


def test_what_was_claimed_for_a_place_goes_ahead_of_nobody(lines: Ahead, process: Process) -> None:
    """Its attempt is on record: it could not be taken back without a second start in its history."""
    assert not lines.hand(prepared(6, placed=True), (), {1})
    lines.take_back(process)
    assert [one.job.claim.job_id for one in lines.returned] == [2, 3, 4, 5]


def test_behind_a_job_that_goes_alone_nothing_is_claimed(lines: Ahead) -> None:
    """Those behind it would have nowhere to go, and wait for a place, claimed."""
    offer = lines.offer([])
    offer.placed(Candidate(9, 1, KIND))
    assert not offer.take(Candidate(10, 0, KIND))
    offer.placed(Candidate(11, 0, KIND))
    assert offer.take(Candidate(12, 0, KIND))


def test_spared_jobs_are_remembered_up_to_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest are forgotten, and go alone."""
    monkeypatch.setattr(ahead, "MOST_SPARED", 3)
    spared: Any = ahead.Spared()
    for number in range(1, 6):
        spared.add(Claim(number, 1, "w"))
    assert [number for number in range(1, 6) if spared.waits(number, 2)] == [3, 4, 5]


@pytest.mark.parametrize(("silent", "runs", "killed"), [
    (True, False, True), (False, False, False), (True, True, False)])
def test_a_process_that_takes_a_job_and_is_silent_is_ended(
        lines: Ahead, process: Process, silent: bool, runs: bool, killed: bool) -> None:
    """Between two jobs nobody counts seconds otherwise, and the worker would wait for it for ever; what it had
    goes back when it is gone."""
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as child:
        process.started_as(child.pid)
        process.heard_at = time.monotonic() - (SILENCE + 1 if silent else 1)
        lines.end_silent(time.monotonic() - SILENCE, {1} if runs else set())
        if killed:
            assert child.wait(10) == -9
            lines.lost(process)
            assert [one.job.claim.job_id for one in lines.returned] == [2, 3, 4, 5]
        else:
            assert child.poll() is None
            assert not process.spoiled
        child.kill()


def own(job_id: int, epoch: int = 1) -> Prepared:
    """A job that was claimed ahead and needs a process of its own."""
    found = prepared(job_id, epoch)
    return found._replace(options=JobOptions())


@pytest.fixture
def stood() -> Ahead:
    """Jobs 2 and 3 stand by, since second 100 and second 100.01."""
    found = Ahead()
    for _ in range(DEEP):
        found.pace.learn(KIND, 0.0001, standby.MOST)
    assert found.stand_by(own(2), 100.0)
    assert found.stand_by(own(3), 100.01)
    return found


def test_who_stands_by_is_claimed_and_the_oldest_is_next(stood: Ahead) -> None:
    """Its claim is kept alive like any other; nobody stands by twice."""
    assert [one.job.claim.job_id for one in stood] == [2, 3]
    assert stood.standby.next() == own(2)
    assert [one.job.claim.job_id for one in stood] == [3]


def test_only_jobs_ahead_with_a_process_of_their_own_stand_by(stood: Ahead) -> None:
    """A warm one goes to a process that runs one like it, one with a place needs no other."""
    assert not stood.stand_by(prepared(4), 100.0)
    assert not stood.stand_by(own(4)._replace(job=prepared(4, placed=True).job), 100.0)


def test_who_stands_by_too_long_goes_back_and_its_kind_is_doubted(stood: Ahead) -> None:
    """Each at its own moment; it may go ahead again."""
    assert stood.standby.due == 100.0 + standby.WITHIN
    stood.dismiss(100.0 + standby.WITHIN)
    assert stood.returned == [own(2)]
    assert stood.pace.depth(KIND) == standby.MOST
    stood.dismiss(100.01 + standby.WITHIN)
    assert stood.returned == [own(2), own(3)]
    assert stood.pace.depth(KIND) == 1
    assert all(stood.spared.waits(one.job.claim.job_id, 2) for one in stood.returned)


def test_one_stands_by_for_each_process_of_its_kind(stood: Ahead) -> None:
    """Two run and two stand by: no more; three run: one more; of an unknown kind none."""
    assert stood.room((), [KIND] * 2) == {}
    assert stood.room((), [KIND] * 3) == {KIND: 1}
    assert stood.room((), [KIND, (8, "{}")]) == {}
    offer = stood.offer((), [KIND] * 2)
    offer.placed(Candidate(10, 0, KIND))
    assert [offer.take(Candidate(n, 0, KIND)) for n in (11, 12)] == [True, False]


def test_who_is_cancelled_or_lost_stands_by_no_more(stood: Ahead) -> None:
    """One is answered as cancelled, the other is dropped."""
    stood.cancel(2, 1.0)
    assert stood.returned == [own(2)]
    stood.lose(own(3).job.claim)
    assert list(stood) == []
    assert stood.returned == [own(2)]
