"""lab.history and lab.status: what ran, newest first."""

from __future__ import annotations

import json

import pytest

from tests import queues
from tether_lab import BadRequest, Lab
from tether_lab.cli.main import main
from tether_lab.job import State
from tether_lab.lab import clock
from tether_lab.outcome import Finish


def work(x: int = 0) -> int:
    return x


def test_a_row_for_every_attempt(capsys: pytest.CaptureFixture[str]) -> None:
    """Newest first, filtered by key and status, the same from Python and the command line."""
    lab = Lab(autostart=False)
    lab.register(work)
    lab.register(work, "other")
    lab.enqueue("work")
    lab.enqueue("other")
    for state in (State.COMPLETED, State.FAILED):
        now = clock.now()
        (claimed,) = queues.turn(lab.queue, now=now, limit=1).claimed
        end = queues.ending(claimed, Finish(state, "ValueError: no"), at=now + 5000, error="ValueError: no")
        queues.turn(lab.queue, now=now, limit=0, finished=[end])
    lab.retry(2)
    queues.turn(lab.queue, now=clock.now(), limit=1)
    found = lab.history()
    assert [(run.job_id, run.attempt, run.outcome) for run in found] == [
        (2, 2, None), (2, 1, "failed"), (1, 1, "succeeded")]
    assert (found[0].duration_ms, found[2].duration_ms) == (None, 5.0)
    assert "ValueError: no" in repr(found)
    assert [run.job_id for run in lab.history("work")] == [1]
    assert [run.job_id for run in lab.history(status="completed", since="1h")] == [1]
    assert len(lab.history(limit=1)) == 1
    with pytest.raises(BadRequest):
        lab.history(status="sleeping")
    newest = lab.status("other")
    assert newest is not None
    assert newest.id == 2
    assert lab.status("nobody") is None
    assert main(["history", "work", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["duration_ms"] == 5.0
