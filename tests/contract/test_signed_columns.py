"""Security list, 2: every byte of every signed column. A table with a signature says here which of its columns
the signature covers; a new column must be put on one side or the other."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from eventually import eventually
from labs import working_lab

from tether_lab import Lab, Service
from tether_lab.errors import TetherLabError
from tether_lab.job_queue import causes, claim, handlers, schedules, services
from tether_lab.job_queue.queue import Queue
from tether_lab.worker import schedules as firing, triggers
from tether_lab.worker.dispatch import Dispatcher
from tether_lab.worker.services import Services

SIGNED = {
    "handler_version": "uuid key version kind source parameters manifest interpreter key_id mac",
    "job": "uuid key payload options key_id mac",
    "result": "epoch kind body key_id mac",
    "memo": "name kind body key_id mac",
    "schedule": "uuid name key rule payload options key_id mac",
    "service": "uuid name key payload options update_every title body key_id mac",
    "cause": "uuid name kind key about payload options key_id mac",
}
NOT_SIGNED = {
    "handler_version": "id provenance created_at",
    # handler_id: its version's hash and key are signed. The rest is where a job stands, and what is shown.
    "job": "id handler_id queue state waits_for priority run_at expires_at attempt max_attempts epoch "
           "crash_count gated slot_key slot_max slot_order rate_key rate_max rate_window worker boot_id "
           "lease_until cancel_requested_at cancel_force created_at updated_at started_at finished_at progress "
           "error description tags dedup_key dedup_until chain_id batch_id step deps_left has_children",
    "result": "job_id text type size",          # job_id: the job's uuid is signed
    "memo": "job_id epoch size at",
    "schedule": "id next_at paused trouble created_at updated_at",
    "service": "id note note_at wanted job_id started_epoch changed_at created_at",
    "cause": "id after_key paused trouble fired fired_at seen_at job_id created_at",
}


class Canary:
    """Its unpickling leaves a file."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)

    def __reduce__(self) -> tuple[Any, ...]:
        return open, (self.path, "w")


class Ticks(Service):
    """A service that does nothing."""


@pytest.fixture
def lab() -> Iterator[Lab]:
    yield from working_lab(runners=2, autostart=False)


def test_every_column_of_a_signed_table_is_signed_or_said_not_to_be(lab: Lab) -> None:
    """The lists above are the schema's."""
    with closing(sqlite3.connect(lab.folder.queue_db)) as connection:
        columns = {table: {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}
                   for (table,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    signed = {table: found for table, found in columns.items() if "mac" in found}
    assert signed == {table: set(SIGNED[table].split()) | set(NOT_SIGNED[table].split()) for table in SIGNED}


class ByHand:
    """Somebody with a SQLite of his own, who heeds no CHECK."""

    def __init__(self, lab: Lab) -> None:
        self.connection = sqlite3.connect(lab.folder.queue_db, isolation_level=None, timeout=10)
        self.connection.execute("PRAGMA ignore_check_constraints = ON")

    def put(self, table: str, column: str, key: tuple[str, Any], value: Any) -> None:
        self.connection.execute(f"UPDATE {table} SET {column} = ? WHERE {key[0]} = ?", (value, key[1]))


def flipped(value: Any, at: int) -> Any:
    """One byte of it (of a number: its lowest bit) is another one."""
    if isinstance(value, int):
        return value ^ 1
    content = bytearray(value.encode() if isinstance(value, str) else value)
    content[at] ^= 1
    return content.decode() if isinstance(value, str) else bytes(content)


def places(value: Any) -> Iterator[int]:
    yield from range(1 if isinstance(value, int) else len(value.encode() if isinstance(value, str) else value))


# -- what is run: by a real worker ---------------------------------------------------------------------


def canaries(lab: Lab, folder: Path, table: str, key: Callable[[Lab, str, Any], int]) -> dict[int, Path]:
    """A job for each signed column, and for three places in it, with one byte changed there; what it captured
    would make a file. The jobs with their files; job 0 stands for the one that nothing was done to."""
    made: dict[int, Path] = {}
    hand = ByHand(lab)
    for column in SIGNED[table].split():
        for where in (0, 0.5, 0.999):
            name = f"{table}-{column}-{where}"
            job = key(lab, name, Canary(folder / name))
            row = ("id", job) if table == "job" else ("id", hand.connection.execute(
                "SELECT handler_id FROM job WHERE id = ?", (job,)).fetchone()[0])
            value = hand.connection.execute(f"SELECT {column} FROM {table} WHERE id = ?", row[1:]).fetchone()[0]
            hand.put(table, column, row, flipped(value, _place(value, where)))
            made[job] = folder / name
    hand.connection.close()
    return made


def _place(value: str | bytes, part: float) -> int:
    """Where that is; for the middle of JSON the beginning of a text in it: a name may be an unused one."""
    if part == 0.5 and isinstance(value, str) and ':"' in value:
        return value.index(':"') + 2
    return int(part * (len(value) - 1))


def enqueued(lab: Lab, name: str, canary: Canary) -> int:
    """A job whose handler captured the canary."""
    def work(n: int) -> int:
        assert canary
        return n

    lab.register(work, name, retries=0)
    return lab.enqueue(name, {"n": 1}).id


@pytest.mark.timeout(240)
@pytest.mark.parametrize("table", ["handler_version", "job"])
def test_one_changed_byte_and_the_job_is_not_run(lab: Lab, tmp_path: Path, table: str) -> None:
    """Beginning, middle and end of each column: the job fails by its signature, is not tried again, and what it
    captured is never unpickled; the worker goes on, and the job that nobody touched completes."""
    made = canaries(lab, tmp_path, table, enqueued)
    good = enqueued(lab, "good", Canary(tmp_path / "good"))
    lab.worker.start()
    assert lab.get(good).result(120) == 1
    assert (tmp_path / "good").exists(), "without a change it would have been unpickled"
    for job, canary in made.items():
        found = lab.get(job).wait(60)
        assert (found.status, found.row.attempt) == ("failed", 1), (canary.name, found.error)
        assert not canary.exists()
    assert lab.worker.is_running()
    assert len(lab.jobs(limit=None)) == len(made) + 1, "each is listed, readable or not"
    bad = [check for check in lab.doctor() if check.name == "handlers" and check.state == "bad"]
    assert bool(bad) == (table == "handler_version")


# -- what is read, or makes jobs: each byte ------------------------------------------------------------


def _result(lab: Lab) -> Callable[[], Any]:
    job = lab.submit(lambda: [1, 2j])
    job.result(60)
    return lambda: lab.get(job.id).result()


def _memo(lab: Lab) -> Callable[[], Any]:
    def keeps(ctx: Any) -> None:
        ctx.checkpoint({"at": 3j})
        raise ValueError("again")

    lab.register(keeps, retries=1, retry="fixed:1h")
    job = lab.enqueue("keeps")
    deadline = time.monotonic() + 60
    while job.status != "retrying" and time.monotonic() < deadline:
        time.sleep(0.02)
    lab.worker.stop(now=True, timeout=20)
    with closing(sqlite3.connect(lab.folder.queue_db)) as connection, connection:
        connection.execute("UPDATE job SET run_at = 1 WHERE id = ?", (job.id,))
    queue = Queue.open(lab.folder, role="supervisor", settings=lab.settings)
    turn = claim.turn(queue, worker="w", now=time.time_ns() // 1000, mono=time.monotonic_ns(),
                      lease_ns=10**12, finished=(), limit=10)
    (claimed,) = [one for one in turn.claimed if one.claim.job_id == job.id]
    return lambda: Dispatcher(queue, queue.vault)._kept(claimed)


def _schedule(lab: Lab) -> Callable[[], Any]:
    lab.register(lambda n: n, "work")
    lab.schedule("work", {"n": 1}, cron="5 4 * * *", name="nightly", priority=3)

    def look() -> Any:
        (row,) = schedules.schedules(lab.queue)
        made = firing.job_of(lab.queue, lab.vault, row, 10**15, 10**15)
        return made.key, made.payload, row.rule
    return look


def _service(lab: Lab) -> Callable[[], Any]:
    lab.start_service("ticks", Ticks, {"n": 1}, title="Ticks", body="of a clock")
    worker = Services(lab.queue, lab.vault, 1)

    def look() -> Any:
        (row,) = services.services(lab.queue)
        worker.verify(row)
        return row
    return look


def _cause(lab: Lab) -> Callable[[], Any]:
    lab.register(lambda n: n, "work")
    lab.trigger("then", "work", {"n": 1}, after="other")

    def look() -> Any:
        (row,) = causes.triggers(lab.queue)
        made = triggers.job_of(lab.queue, lab.vault, row, {}, 10**15)
        return made.key, made.payload, row.about
    return look


def _version(lab: Lab) -> Callable[[], Any]:
    number = 3
    lab.register(lambda n: n + number, "work")
    (head,) = handlers.handlers(lab.queue)
    return lambda: Dispatcher(lab.queue, lab.vault)._version(head.head)[0]


READ: dict[str, Callable[[Lab], Callable[[], Any]]] = {
    "result": _result, "memo": _memo, "schedule": _schedule, "service": _service, "cause": _cause,
    "handler_version": _version}


@pytest.mark.timeout(240)
@pytest.mark.parametrize("table", READ)
def test_no_changed_byte_is_believed(lab: Lab, table: str) -> None:
    """Each byte of each signed column in turn: refused, by an error of ours, or read as what it was before (the
    unused part of a JSON text): never as another value, and never a crash of who reads it."""
    if table in ("result", "memo"):
        lab.worker.start()
    look = READ[table](lab)
    good, hand, tried = look(), ByHand(lab), 0
    name = "job_id" if table in ("result", "memo") else "id"
    ((number,),) = hand.connection.execute(f"SELECT {name} FROM {table}").fetchall()
    for column in SIGNED[table].split():
        value = hand.connection.execute(f"SELECT {column} FROM {table}").fetchone()[0]
        for at in places(value):
            hand.put(table, column, (name, number), flipped(value, at))
            try:
                assert look() == good, (column, at)
            except TetherLabError:
                tried += 1
        hand.put(table, column, (name, number), value)
    assert tried > 100
    assert look() == good
    hand.connection.close()


def test_a_schedule_that_cannot_be_read_hides_no_other(lab: Lab) -> None:
    """It is listed with what is wrong, stops by itself, and can be removed; the other one fires."""
    lab.register(lambda n: n, "work")
    for name in ("good", "bad"):
        lab.schedule("work", {"n": 1}, interval="1s", name=name)
    hand = ByHand(lab)
    hand.put("schedule", "rule", ("name", "bad"), '{"interval":')
    hand.connection.close()
    assert {one.name for one in lab.schedules()} == {"good", "bad"}
    lab.worker.start()
    eventually(lambda: lab.status("work") is not None, within=40, say="a job of the good one")
    bad = next(one for one in lab.schedules() if one.name == "bad")
    assert "cannot be read" in str(bad.row.trouble)
    bad.unschedule()
    assert [one.name for one in lab.schedules()] == ["good"]
    assert lab.worker.is_running()


def test_a_hook_that_cannot_be_read_silences_no_other(lab: Lab, tmp_path: Path) -> None:
    """It is not run, and the log says so; the other one is told."""
    for name in ("good", "bad"):
        def hook(entry: Any, path: str = str(tmp_path / name)) -> None:
            Path(path).touch()

        lab.on_success(hook, name=name)
    lab.register(lambda: 1, "work")
    hand = ByHand(lab)
    hand.put("handler_version", "manifest", ("key", "~on_success:bad"), "{")
    hand.connection.close()
    lab.worker.start()
    assert lab.enqueue("work").result(40) == 1
    eventually(lambda: (tmp_path / "good").exists(), within=40, say=lab.worker.log())
    assert "cannot be read" in lab.worker.log(lines=200)
    assert not (tmp_path / "bad").exists()
