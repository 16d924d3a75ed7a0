"""What a running attempt asks of the queue: keep a value, enqueue a job. Fenced by its claim."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from tether_lab.job import Claim

from . import blobs, enqueue, sealed
from .claim import lost_claim
from .queue import Queue
from .read import uuid_of
from .rows import plain
from .statements import sql


@dataclass(frozen=True, slots=True)
class Memo:
    """A kept value, unverified; ``kind`` and ``body`` as those of a result."""

    name: str
    epoch: int
    kind: str
    body: str
    key_id: str
    mac: bytes


def keep(queue: Queue, claim: Claim, memo: Memo, *, size: int, small: Mapping[str, bytes],
         large: Mapping[str, int], now: int) -> None:
    """Store it, with the blobs it refers to. Raises ClaimLost, and then nothing was written."""
    with queue.write() as connection:
        _fence(connection, claim)
        digests = [*small, *large]
        if digests:
            blobs.put(connection, small, large, now)
            connection.executemany(sql("job_blob_add"), [
                {"job_id": claim.job_id, "digest": digest} for digest in digests])
        connection.execute(sql("memo_put"), {
            "job_id": claim.job_id, "name": memo.name, "epoch": claim.epoch, "kind": memo.kind,
            "body": plain(memo.body), "size": size, "at": now, "key_id": memo.key_id, "mac": memo.mac})


def kept(queue: Queue, job_id: int) -> list[Memo]:
    """What a job kept so far."""
    with queue.read() as connection:
        found = [Memo(*row) for row in connection.execute(sql("memo_list"), {"job_id": job_id}).fetchall()]
    uuid = uuid_of(queue, job_id, (memo.body for memo in found))
    return [replace(memo, body=sealed.opened(queue, memo.body, "memo", uuid, memo.name)) for memo in found]


def enqueue_for(queue: Queue, claim: Claim, jobs: Sequence[enqueue.NewJob], now: int) -> list[int]:
    """Jobs that a running job asked for. Raises ClaimLost, and then nothing was written."""
    with queue.write() as connection:
        _fence(connection, claim)
        return enqueue.insert(connection, jobs, now)


def _fence(connection: sqlite3.Connection, claim: Claim) -> None:
    if connection.execute(sql("claim_holds"), {"id": claim.job_id, "epoch": claim.epoch,
                                               "worker": claim.worker}).fetchone() is None:
        raise lost_claim(claim)
