"""What SQLite alone takes for our rows: the statements of an enqueue and of a short job, with our schema,
indexes and transactions, and nothing of Python around them. Nothing of ours can be quicker.

    python benchmarks/floors.py        CPU time of each, user and system; holds on a busy machine, too
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from draining import noop
from raw_sqlite import RawQueue

COUNT, TOGETHER = 6400, 64
TIMES = 100


def statements(lab: Any) -> sqlite3.Connection:
    """A connection as the queue's own, to a lab that nobody else has open."""
    from tether_lab.job_queue import connection

    return connection.connect(lab.folder.queue_db, network=False)


def enqueued(connection: sqlite3.Connection, lab: Any) -> None:
    """One row a transaction: is the handler still what it was, the row, the commit."""
    from tether_lab.job_queue.enqueue import _values
    from tether_lab.job_queue.statements import sql
    from tether_lab.worker.new_jobs import fresh_name

    values = _values(lab.plans.of(lab, "noop", {}).template, 1, 1)
    for _ in range(COUNT):
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(sql("handler_stands"), {"key": "noop", "now": 1}).fetchone()
        connection.execute(sql("enqueue"), (fresh_name(), *values[1:]))
        connection.execute("COMMIT")


def drained(connection: sqlite3.Connection) -> None:
    """Claims of 64 jobs ahead, each recorded with the next claim, as a worker does it."""
    from tether_lab.job import Claim
    from tether_lab.job_queue.brief import Brief, finish_brief
    from tether_lab.job_queue.statements import sql

    held: list[Any] = []
    for _ in range(COUNT // TOGETHER + 1):
        connection.execute("BEGIN IMMEDIATE")
        if held:
            finish_brief(connection, [Brief(Claim(row[0], 1, "w"), 1, 1, 2, 7) for row in held])
        held = connection.execute(sql("claim_ready"), ("default", TOGETHER)).fetchall()
        connection.executemany(sql("claim"), [("w", "b", 1, 1, 1, "runner", row[0], row[1]) for row in held])
        connection.execute("COMMIT")


def hand_over() -> float:
    """Microseconds until a process that was asleep has what it was sent: two of them stand between enqueue and
    first line, two more on the way back."""
    ours, theirs = socket.socketpair()
    pid = os.fork()
    if pid == 0:
        ours.close()
        while theirs.recv(1):
            theirs.send(time.monotonic_ns().to_bytes(8))
        os._exit(0)
    theirs.close()
    found = []
    for _ in range(60):
        time.sleep(0.03)
        sent = time.monotonic_ns()
        ours.send(b"x")
        found.append((int.from_bytes(ours.recv(8)) - sent) / 1e3)
    ours.close()
    os.waitpid(pid, 0)
    return statistics.median(found)


def to_first_line(lab: Any) -> tuple[float, float]:
    """Milliseconds, the median and the least, from an enqueue to the first line of a job in a process that
    waits, with nothing but what must be: the enqueue's statements, the beacon, a claim's statements, a write
    to the process. As in ``answering``, everything falls asleep in between."""
    from tether_lab.job_queue import beacon
    from tether_lab.job_queue.enqueue import _values
    from tether_lab.job_queue.statements import sql
    from tether_lab.worker.new_jobs import fresh_name

    values = _values(lab.plans.of(lab, "noop", {}).template, 1, 1)
    with lab.queue.write() as writing:
        writing.execute("DELETE FROM job")
    lab.queue.close()
    ours, theirs = socket.socketpair()
    pid = os.fork()
    if pid == 0:
        ours.close()
        try:
            _claim_at_each_word(lab, theirs)
        finally:
            os._exit(0)
    theirs.close()
    ours.recv(1)
    connection, found = statements(lab), []
    for _ in range(TIMES + 5):
        time.sleep(0.03)
        begun = time.monotonic_ns()
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(sql("handler_stands"), {"key": "noop", "now": 1}).fetchone()
        connection.execute(sql("enqueue"), (fresh_name(), *values[1:]))
        connection.execute("COMMIT")
        beacon.tell(lab.folder.run, beacon.ASKED)
        found.append((int.from_bytes(ours.recv(8)) - begun) / 1e6)
    connection.close()
    ours.close()
    os.waitpid(pid, 0)
    return statistics.median(found[5:]), min(found[5:])


def _claim_at_each_word(lab: Any, caller: socket.socket) -> None:
    """A worker and its one warm process, until the caller is gone; the process says when it begins."""
    from tether_lab.job_queue import beacon
    from tether_lab.job_queue.statements import sql
    from tether_lab.worker.wake import BeaconWatch

    hand, given = socket.socketpair()
    if os.fork() == 0:
        hand.close()
        while given.recv(1):
            caller.send(time.monotonic_ns().to_bytes(8))
        os._exit(0)
    given.close()
    connection, watch = statements(lab), BeaconWatch(Path(lab.folder.run) / beacon.ASKED)
    caller.send(b"r")
    poll = select.poll()
    poll.register(watch, select.POLLIN)
    poll.register(caller, select.POLLRDHUP)
    while all(not event & select.POLLRDHUP for _, event in poll.poll()):
        watch.drain()
        connection.execute("BEGIN IMMEDIATE")
        rows = connection.execute(sql("claim_ready"), ("default", 2)).fetchall()
        for row in rows:
            connection.execute(sql("claim"), ("w", "b", 1, 1, 1, None, row[0], row[1]))
            connection.execute(sql("attempt_add"), (row[0], 1, 1, "w", 1))
            connection.execute(sql("event_new"), (1, "started", 1, "{}", row[0]))
        connection.execute("COMMIT")
        for _ in rows:
            hand.send(b"x")
    hand.close()


def drained_bare(lab: Any) -> float:
    """Jobs a second through two processes with what must be, and no more: each is claimed and fenced, its
    signature checked, its start told before it runs, its attempt and its events kept. No context, no output,
    no limits, no traces looked for: a worker and a job process of a hundred lines."""
    from tether_lab.job import Claim
    from tether_lab.job_queue.brief import Brief, finish_brief
    from tether_lab.job_queue.statements import sql
    from tether_lab.runner import wire

    lab.enqueue_many("noop", [{}] * COUNT * 2)
    sign = lab.plans.of(lab, "noop", {}).sign
    lab.queue.close()
    said: dict[Any, list[Any]] = {_bare_process(): [] for _ in range(2)}
    has = dict.fromkeys(said, 0)
    connection, briefs, ended, begun = statements(lab), list[Brief](), 0, time.monotonic()
    while ended < COUNT * 2:
        connection.execute("BEGIN IMMEDIATE")
        if briefs:
            finish_brief(connection, briefs)
        room = sum(TOGETHER - number for number in has.values())
        rows = connection.execute(sql("claim_ready"), ("default", room)).fetchall()
        connection.executemany(sql("claim"), [("w", "b", 1, 1, 1, "runner", row[0], row[1]) for row in rows])
        connection.execute("COMMIT")
        ended, briefs = ended + len(briefs), []
        for row in rows:
            assert sign(row[2], row[5]) == row[12]
            process = min(has, key=has.__getitem__)
            process.hand(wire.More(0, row[0], row[2], 1, 1, row[8], row[5], row[10]))
            has[process] += 1
        for process in has:
            process.send_ahead()
        time.sleep(0.0003)
        for process, heard in said.items():
            heard += process.read()
            while len(heard) > 1:
                (started, done), heard[:2] = heard[:2], []
                briefs.append(Brief(Claim(done.job_id, 1, "w"), 1, started.at, done.at, 1))
                has[process] -= 1
    rate = COUNT * 2 / (time.monotonic() - begun)
    connection.close()
    for process in said:
        os.kill(process.pid, signal.SIGKILL)
        os.waitpid(process.pid, 0)
        process.close()
    return rate


def _bare_process() -> Any:
    """A process that calls ``noop`` for each ticket that it is given."""
    from tether_lab.runner import wire
    from tether_lab.runner.channel import Channel
    from tether_lab.worker.process import Process

    process = Process(1, warm=True)
    pid = os.fork()
    if pid:
        process.handed_over()
        process.started_as(pid)
        return process
    for end in (process._control, process._ahead):
        end.close()
    control, _, _, _, ahead = process.theirs
    channel, last = Channel(control, ahead), b""
    while True:
        more = channel.more(0)
        if more is None and last:
            channel.send(last)
            last = b""
        if more is None and (more := channel.wait(0)) is None:
            os._exit(0)
        channel.send(last + wire.frame(wire.Started(more.job_id, more.epoch, time.monotonic_ns())))
        noop(**json.loads(more.payload))
        last = wire.frame(wire.Ended(more.job_id, more.epoch, "succeeded", at=time.monotonic_ns()))


def cpu_us(of: Callable[[], object], count: int = COUNT) -> float:
    """Microseconds of CPU time for each of so many."""
    before = time.process_time()
    of()
    return (time.process_time() - before) / count * 1e6


def main() -> None:
    from tether_lab import Lab

    with Lab("floors", durability="process", autostart=False) as lab:
        lab.register(noop, "noop", isolation="warm")
        raw = RawQueue(Path(lab.folder.path) / "raw.db", "process")
        limit = cpu_us(lambda: raw.one_by_one(COUNT))
        print(f"raw rows, one a transaction   {limit:6.1f} µs")
        ours = cpu_us(lambda: [lab.enqueue("noop", {"i": n}) for n in range(COUNT)])
        print(f"lab.enqueue                   {ours:6.1f} µs  {limit / ours:.2f} × raw")
        lab.queue.close()
        connection = statements(lab)
        floor = cpu_us(lambda: enqueued(connection, lab))
        print(f"its statements alone          {floor:6.1f} µs  {limit / floor:.2f} × raw: its floor")
        job = cpu_us(lambda: drained(connection))
        print(f"a short job's, claim to end   {job:6.1f} µs  the worker's floor")
        print(f"a hand-over                   {hand_over():6.1f} µs  to a process that was asleep")
        connection.close()
        median, least = to_first_line(lab)
        print(f"enqueue to first line         {median:6.2f} ms  two processes asleep, only those statements; "
              f"least {least:.2f}")
        print(f"drain, two bare processes     {drained_bare(lab):6,.0f} /s  statements, signatures, frames")
        raw.close()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="tlb-") as folder:
        os.environ.update(TETHER_LAB_HOME=f"{folder}/home", TETHER_LAB_CONFIG=f"{folder}/config")
        main()
