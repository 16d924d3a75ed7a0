"""Windows and constraints hold jobs back, say so, and let them go."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from eventually import eventually

from tether_lab import Constraints, Lab, OptionError, TimeWindow
from tether_lab.worker.machine import Machine


@pytest.fixture
def lab() -> Iterator[Lab]:
    lab = Lab(runners=2)

    @lab.handler("work")
    def work() -> int:
        return 1

    yield lab
    lab.close()
    lab.worker.stop(now=True, timeout=10)


def test_a_closed_window_schedules_for_its_opening(lab: Lab) -> None:
    """Not before it opens; the card, the events and the row say what the job waits for."""
    now = datetime.now(UTC)
    later = (now + timedelta(hours=3)).hour
    job = lab.enqueue("work", window=TimeWindow(later, (later + 1) % 24))
    eventually(lambda: job.status == "scheduled")
    row = job.row
    assert row.waits_for == "window"
    opening = datetime.fromtimestamp(row.run_at / 1e6, UTC)
    assert (opening.hour, opening.minute) == (later, 0)
    assert "waits for its window to open" in job._repr_mimebundle_()["text/plain"]
    assert "held" in [event.kind for event in job.events]
    open_now = lab.enqueue("work", window=TimeWindow(0, 24))
    assert open_now.result(timeout=30) == 1
    with lab.queue.write() as connection:        # a clock that moved on: still closed, so held again
        connection.execute("UPDATE job SET run_at = 1 WHERE id = ?", (job.id,))
    lab.waker.wake()
    eventually(lambda: job.row.run_at > 1 and job.status == "scheduled")


def test_a_constraint_blocks_until_it_holds(lab: Lab) -> None:
    """What cannot be had is named; a constraint that holds costs nothing; expires still ends it."""
    job = lab.enqueue("work", constraints=Constraints(min_free_memory="900TB"), expires="4s")
    eventually(lambda: job.status == "blocked")
    assert "memory" in str(job.row.waits_for)
    assert "waits for the machine: memory" in job._repr_mimebundle_()["text/plain"]
    assert lab.enqueue("work", constraints="memory>1MB,disk>1MB,load<900").result(timeout=30) == 1
    eventually(lambda: job.status == "expired", within=15)
    said = job._repr_mimebundle_()["text/plain"]
    assert "its deadline passed while it waited for the machine: memory" in said


def test_the_machine_is_read_and_what_cannot_be_is_none(lab: Lab) -> None:
    """Numbers for memory, disk and load; the rest a truth or None, whatever this machine has."""
    machine = Machine(lab.folder.path)
    for name in ("memory", "disk", "load"):
        assert float(machine.read(name) or 0) >= 0
    for name in ("network", "unmetered", "battery", "charging", "idle", "gpu"):
        assert machine.read(name) in (None, True, False)
    readings = {"memory": 5.0, "load": 2.0, "network": False, "charging": None}
    read = readings.get
    assert Constraints(min_free_memory=6).unmet(read) == "memory>6 bytes"
    assert Constraints(charging=True).unmet(read) is None
    assert Constraints(max_load=1.0).unmet(read) == "load<1.0"
    assert Constraints(network="connected").unmet(read) == "network"


@pytest.mark.parametrize("text", ["memory>lots", "sun", "", "load<0", "network,moon"])
def test_wrong_constraints_name_the_accepted_ones(lab: Lab, text: str) -> None:
    """At the door; nothing is written."""
    with pytest.raises(OptionError, match="constraints"):
        lab.enqueue("work", constraints=text)
    assert not lab.jobs()
