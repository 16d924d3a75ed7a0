"""The SQL files: one a verb, the hot ones on their index."""

from __future__ import annotations

import re
from typing import Any

import pytest
import queues

from tether_lab.job_queue import frames, statements
from tether_lab.job_queue.queue import Queue
from tether_lab.job_queue.statements import sql

ROOM = statements.FOLDER.parent
NAMES = sorted(path.stem for path in statements.FOLDER.glob("*.sql"))

PLANS: dict[str, tuple[str, ...]] = {
    "enqueue": (),
    "promote_due": ("job_timed",),
    "expire": ("job_expiring",),
    "turn_before": ("job_timed", "job_expiring", "job_gated", "job_slot", "job_rate", "rate_next", "job_ready"),
    "turn_after": ("job_ready", "job_timed", "job_expiring", "rate_next", "schedule_next"),
    "claim_queues": ("job_ready",),
    "claim_ready": ("job_ready",),
    "claim": ("INTEGER PRIMARY KEY",),
    "claim_renew": ("INTEGER PRIMARY KEY",),
    "attempt_start": ("PRIMARY KEY (job_id=? AND epoch=?)",),
    "finish": ("INTEGER PRIMARY KEY",),
    "finish_plain": ("INTEGER PRIMARY KEY",),
    "give_back": ("INTEGER PRIMARY KEY",),
    "handler_stands": ("PRIMARY KEY (key=?)", "sqlite_autoindex_blob_1"),
    "attempt_finish": ("PRIMARY KEY (job_id=? AND epoch=?)",),
    "output_fence": ("INTEGER PRIMARY KEY",),
    "output_read": ("PRIMARY KEY (job_id=? AND epoch=? AND seq>?)",),
    "rescue_orphans": ("job_timed",),
    "cancel_requested": ("job_timed",),
    "cancel_waiting": ("INTEGER PRIMARY KEY",),
    "cancel_running": ("INTEGER PRIMARY KEY",),
    "job_get": ("INTEGER PRIMARY KEY",),
    "job_list": ("SEARCH j USING INTEGER PRIMARY KEY (rowid<?)",),
    "events": ("event_of_job",),
    "next_due": ("job_timed", "job_expiring"),
    "depth": ("job_ready",),
    "blob_touch": ("sqlite_autoindex_blob_1", "handler_id=?"),
    "blob_unreferenced": ("handler_blob_digest", "result_blob_digest", "job_blob_digest"),
}


@pytest.fixture(scope="module")
def queue(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """One for all: plans are asked for, nothing is written."""
    found = queues.opened(tmp_path_factory.mktemp("plans"))
    yield found
    found.close()


def test_every_file_is_loaded_by_name_and_every_name_has_a_file() -> None:
    """sql("claim") is sql/claim.sql, in both directions."""
    code = "\n".join(path.read_text() for path in ROOM.glob("*.py"))
    called = re.findall(r'sql\("(\w+)"(?: if \w+ else "(\w+)")?\)', code)
    assert sorted({name for names in called for name in names if name}) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_every_file_says_why_and_holds_one_statement(queue: Queue, name: str) -> None:
    """A comment first, then exactly one statement that SQLite understands."""
    text = (statements.FOLDER / f"{name}.sql").read_text()
    assert text.startswith("-- ")
    assert len(text.splitlines()[0]) > 10
    assert not sql(name).startswith("--")
    body = re.sub(r"\nBEGIN.*\nEND$", "", sql(name), flags=re.DOTALL)      # a trigger's own statements
    assert ";" not in body
    _plan(queue, name)


@pytest.mark.parametrize("name", sorted(PLANS))
def test_hot_statements_use_their_index(queue: Queue, name: str) -> None:
    """EXPLAIN QUERY PLAN names the index, sorts nothing and builds no index of its own."""
    plan = _plan(queue, name)
    for part in PLANS[name]:
        assert part in plan, plan
    assert "TEMP B-TREE" not in plan
    assert "AUTOMATIC" not in plan
    if name not in {"job_list", "blob_unreferenced", "depth"}:
        assert not re.search(r"SCAN (job|attempt|event|output|blob)\b(?! USING COVERING)", plan), plan


def _plan(queue: Queue, name: str) -> str:
    """The plan, with every parameter NULL."""
    text = sql(name)
    values: Any = dict.fromkeys(re.findall(r":(\w+)", text)) or (None,) * text.count("?")
    with queue.write() as connection, frames.opening(queue, connection):
        rows = connection.execute(f"EXPLAIN QUERY PLAN {text}", values).fetchall()
    return "\n".join(row[3] for row in rows)
