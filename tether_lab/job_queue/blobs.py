"""What handlers, payloads and results hold: small blobs as rows, large ones as files with a row."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping

from tether_lab.errors import BadRequest

from . import sealed
from .queue import Queue
from .statements import sql

PLAIN = 40
"""Characters of a blob's name; those of encrypted ones have one more."""
KEPT = 24 * 3600 * 1_000_000
"""Microseconds that a blob stays after nobody refers to it any more."""


def put(connection: sqlite3.Connection, small: Mapping[str, bytes], large: Mapping[str, int],
        now: int) -> None:
    """Store small blobs, note large ones (already files); known ones are touched. In a transaction."""
    rows = [{"digest": digest, "size": len(body), "data": body, "now": now} for digest, body in small.items()]
    rows += [{"digest": digest, "size": size, "data": None, "now": now} for digest, size in large.items()]
    connection.executemany(sql("blob_put"), rows)


def require(connection: sqlite3.Connection, digests: Iterable[str], what: str) -> None:
    """Raises BadRequest if the database does not know one of them."""
    wanted = set(digests)
    known = {row[0] for row in connection.execute(sql("blob_known"), {"digests": json.dumps(sorted(wanted))})}
    if wanted - known:
        raise BadRequest(f"{what} refers to {len(wanted - known)} blobs that are not stored "
                         f"({', '.join(sorted(wanted - known)[:3])} …)",
                         remedy="Capture and register it again.", where=what)


def known(queue: Queue, digests: Iterable[str]) -> set[str]:
    """Those of these digests that the database knows."""
    with queue.read() as connection:
        rows = connection.execute(sql("blob_known"), {"digests": json.dumps(sorted(set(digests)))}).fetchall()
    return {row[0] for row in rows}


def missing(queue: Queue) -> list[str]:
    """The files that the database knows and that are not there, the newest first."""
    with queue.read() as connection:
        names = [row[0] for row in connection.execute(sql("blob_files")).fetchall()]
    there = {path.name for path in queue.folder.blobs.glob("??/*")}
    return [name for name in names if name not in there]


def small(queue: Queue, digests: Iterable[str]) -> dict[str, bytes]:
    """The bodies of the small blobs among these digests; of encrypted ones, small or not, the contents."""
    wanted = sorted(set(digests))
    if not wanted:
        return {}
    with queue.read() as connection:
        found = dict(connection.execute(sql("blob_small"), {"digests": json.dumps(wanted)}))
    closed = {name for name in wanted if len(name) > PLAIN}
    return {**found, **sealed.open_blobs(queue, closed, found)} if closed else found


def prune_blobs(queue: Queue, now: int, *, kept: int = KEPT) -> list[str]:
    """Forget blobs that nobody refers to and nobody touched for ``kept`` µs.

    Returns the digests whose files may go too. A file is to be removed only if its own time is as old:
    storing a known blob again touches the file first, and its row with the transaction that needs it.
    """
    with queue.write(power=False) as connection:
        rows = connection.execute(sql("blob_unreferenced"), {"before": now - kept}).fetchall()
        connection.executemany(sql("blob_forget"), [(digest,) for digest, _ in rows])
    return [digest for digest, is_file in rows if is_file]
