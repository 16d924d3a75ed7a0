"""Enqueuing again what was enqueued before: cheap, counted in statements, and never out of date."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest

from tether_lab import Lab, OptionError, PayloadError, UnknownHandler
from tether_lab.job_queue import handlers, read
from tether_lab.vault import Vault


def work(x: int = 0) -> int:
    return x


def better(x: int = 0) -> int:
    return x + 1


@pytest.fixture
def lab() -> Lab:
    lab = Lab(autostart=False)
    lab.register(work, "work")
    return lab


def statements(lab: Lab) -> list[str]:
    """What the lab's connection executes from now on, one word each."""
    with lab.queue.read():
        pass
    found: list[str] = []
    assert lab.queue._connection is not None
    lab.queue._connection.set_trace_callback(lambda text: found.append(text.split()[0]))
    return found


def test_the_second_job_costs_four_statements(lab: Lab) -> None:
    """Begin, one look at the head and what belongs to it, the row, commit. Nothing is read before."""
    lab.enqueue("work", {"x": 1})
    told = statements(lab)
    lab.enqueue("work", {"x": 2})
    assert [word for word in told if word != "--"] == ["BEGIN", "SELECT", "INSERT", "COMMIT"]


def test_many_jobs_cost_a_statement_each(lab: Lab) -> None:
    """In one transaction; ids in the order of the payloads."""
    lab.enqueue("work")
    told = statements(lab)
    jobs = lab.enqueue_many("work", [{"x": n} for n in range(50)])
    assert [told.count(word) for word in ("BEGIN", "SELECT", "INSERT", "COMMIT")] == [1, 1, 50, 1]
    assert [job.payload["x"] for job in jobs] == list(range(50))
    assert all(uuid.UUID(job.row.uuid).version == 4 for job in jobs)


def test_a_head_that_somebody_else_moved_is_seen(lab: Lab) -> None:
    """Another kernel registers anew: the next job pins the new version and its options."""
    first = lab.enqueue("work")
    with Lab(autostart=False) as other:
        other.register(better, "work", priority=7)
    second = lab.enqueue("work")
    assert second.row.handler_id == handlers.head(lab.queue, "work").head != first.row.handler_id
    assert (first.row.priority, second.row.priority) == (0, 7)


def test_equal_numbers_of_other_kinds_are_other_options(lab: Lab) -> None:
    """1 is a priority; True is none, also after 1 was given."""
    lab.enqueue("work", priority=1)
    with pytest.raises(OptionError):
        lab.enqueue("work", priority=True)


def test_refusals_stay_refusals(lab: Lab) -> None:
    """After a good job of the same key: names, types and unknown keys are still looked at."""
    lab.enqueue("work", {"x": 1})
    for payload in ({"y": 1}, {"x": "one"}, {"x": float("nan")}, {"x": 2**63}):
        with pytest.raises(PayloadError):
            lab.enqueue("work", payload)
    with pytest.raises(UnknownHandler):
        lab.enqueue("wrok")
    assert len(read.jobs(lab.queue, limit=10)) == 1


def test_a_prepared_signature_is_the_signature(tmp_path: Path) -> None:
    """What rows share is hashed once; the bytes are those of sign."""
    vault = Vault.open(tmp_path / "keys")
    for texts in (("a", "b"), ("", "ü" * 100), ("x" * 5000, '{"i":1}')):
        mac = vault.signer("job", "db", None, "key", 7, b"raw", None, "{}")(*texts)
        assert mac == vault.sign("job", "db", texts[0], "key", 7, b"raw", texts[1], "{}")
