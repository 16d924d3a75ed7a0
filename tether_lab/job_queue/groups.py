"""Chains and batches: put in, read, found by number."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from tether_lab.errors import BadRequest, JobNotFound
from tether_lab.job import State
from tether_lab.job.workflow import BatchRow, ChainRow, Edge

from . import enqueue as enqueuing, workflow
from .clock import utc
from .queue import Queue
from .statements import sql

Callbacks = Callable[[int], dict[str, enqueuing.NewJob]]
"""From the number of the chain or batch to its callbacks: signed, by what they answer to."""


def add_chain(queue: Queue, uuid: str, name: str, jobs: Sequence[enqueuing.NewJob], callbacks: Callbacks,
              *, now: int | None = None) -> int:
    """A chain with all its jobs (each after its parents), in one transaction; its number."""
    now = now or utc()
    _refuse_dedup(jobs)
    with queue.write() as connection:
        (number,) = connection.execute(sql("chain_add"), {"uuid": uuid, "name": name, "now": now}).fetchone()
        ids = enqueuing.insert(connection, jobs, now)
        connection.execute(sql("chain_join"), {"chain": number, "first": ids[0], "last": ids[-1]})
        found = _callbacks(connection, callbacks(number), "chain", now)
        connection.execute(sql("chain_callbacks"), {"id": number, "complete": found.get("complete")})
    return int(number)


def add_batch(queue: Queue, uuid: str, name: str, jobs: Sequence[enqueuing.NewJob], callbacks: Callbacks,
              *, now: int | None = None) -> int:
    """A batch with all its jobs in one transaction; its number. An empty one has ended at once."""
    now = now or utc()
    _refuse_dedup(jobs)
    with queue.write() as connection:
        (number,) = connection.execute(sql("batch_add"), {
            "uuid": uuid, "name": name, "total": len(jobs), "now": now}).fetchone()
        ids = enqueuing.insert(connection, jobs, now)
        if ids:
            connection.execute(sql("batch_join"), {"batch": number, "first": ids[0], "last": ids[-1]})
        found = _callbacks(connection, callbacks(number), "batch", now)
        connection.execute(sql("batch_callbacks"), {
            "id": number, "then": found.get("then"), "catch": found.get("catch"),
            "finally": found.get("finally")})
        if not ids:
            workflow.count_in_batch(connection, number, Counter(), now)
    return int(number)


def _refuse_dedup(jobs: Sequence[enqueuing.NewJob]) -> None:
    """A member that stands for another job would belong to two."""
    if any(job.dedup_key is not None for job in jobs):
        raise BadRequest("the jobs of chains and batches cannot stand for others", where="dedup",
                         remedy="Leave the option dedup out, also of the handler.")


def _callbacks(connection: Any, jobs: dict[str, enqueuing.NewJob], waits_for: str, now: int) -> dict[str, int]:
    ids = dict(zip(jobs, enqueuing.insert(connection, list(jobs.values()), now), strict=True))
    for job_id in ids.values():
        connection.execute(sql("callback_wait"), {"id": job_id, "waits_for": waits_for})
    return ids


def chain(queue: Queue, number: int) -> ChainRow:
    """One chain as it stands. Raises JobNotFound."""
    with queue.read() as connection:
        row = connection.execute(sql("chain_get"), {"id": number}).fetchone()
        if row is None:
            raise JobNotFound(f"there is no chain {number} in {queue.folder.path}",
                              remedy="lab.chains() lists them.", where=str(number))
        counts = {State(state): count for state, count in connection.execute(
            sql("chain_counts"), {"id": number}).fetchall()}
        (tolerated,) = connection.execute(sql("chain_tolerated"), {"id": number}).fetchone()
    return ChainRow(row[0], row[1], row[2], row[3], row[4], counts, tolerated)


def batch(queue: Queue, number: int) -> BatchRow:
    """One batch as it stands. Raises JobNotFound."""
    with queue.read() as connection:
        row = connection.execute(sql("batch_get"), {"id": number}).fetchone()
    if row is None:
        raise JobNotFound(f"there is no batch {number} in {queue.folder.path}",
                          remedy="lab.batches() lists them.", where=str(number))
    return BatchRow(*row)


def chains(queue: Queue, limit: int) -> list[int]:
    """The numbers of the newest chains."""
    with queue.read() as connection:
        return [row[0] for row in connection.execute(sql("chain_list"), {"limit": limit}).fetchall()]


def batches(queue: Queue, limit: int) -> list[int]:
    """The numbers of the newest batches."""
    with queue.read() as connection:
        return [row[0] for row in connection.execute(sql("batch_list"), {"limit": limit}).fetchall()]


def members(queue: Queue, *, chain: int | None = None, batch: int | None = None) -> list[tuple[int, State]]:
    """The jobs of a chain or batch in order, with how they stand: light enough for ten thousand."""
    name, number = ("chain_members", chain) if chain is not None else ("batch_members", batch)
    statement = {"chain_members": sql("chain_members"), "batch_members": sql("batch_members")}[name]
    with queue.read() as connection:
        return [(row[0], State(row[1])) for row in connection.execute(statement, {"id": number}).fetchall()]


def grid(queue: Queue, batch: int) -> list[tuple[int, State, int, int | None, int | None]]:
    """(id, status, attempts, started, finished in UTC µs) of each job of a batch, in order."""
    with queue.read() as connection:
        return [(row[0], State(row[1]), row[2], row[3], row[4])
                for row in connection.execute(sql("batch_grid"), {"id": batch}).fetchall()]


def edges(queue: Queue, chain: int) -> list[Edge]:
    """Who waits for whom in a chain, and what is asked."""
    with queue.read() as connection:
        return [Edge(*row) for row in connection.execute(sql("chain_edges"), {"id": chain}).fetchall()]


def conditions(queue: Queue, job_id: int) -> list[Edge]:
    """What is asked before a job may start: the edges to it that have a condition."""
    with queue.read() as connection:
        return [Edge(*row) for row in connection.execute(sql("edge_conditions"), {"id": job_id}).fetchall()]


def undecided(queue: Queue, chain: int) -> set[int]:
    """The jobs about whose results a condition raised, so that a step after them failed."""
    with queue.read() as connection:
        return {row[0] for row in connection.execute(sql("chain_undecided"), {"id": chain}).fetchall()}


def around(queue: Queue, job_id: int) -> tuple[list[int], list[int]]:
    """Whom a job waits for, and who waits for it."""
    with queue.read() as connection:
        found = connection.execute(sql("edge_around"), {"id": job_id}).fetchall()
    return [row[1] for row in found if row[0] == "parent"], [row[1] for row in found if row[0] == "child"]


def inputs(queue: Queue, job_id: int) -> list[tuple[str, str, str, int | None]]:
    """(name, uuid, state, result's job id or None) of each parent of a job."""
    with queue.read() as connection:
        return [(row[0], row[1], row[2], row[3])
                for row in connection.execute(sql("edge_inputs"), {"id": job_id}).fetchall()]
