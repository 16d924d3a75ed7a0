"""A handler version becomes known, and the head of its key."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import replace

from tether_lab.job import HandlerVersion

from . import blobs, enqueue as enqueuing, listening, rows
from .clock import utc
from .queue import Queue
from .statements import sql


def register(
    queue: Queue, version: HandlerVersion, *, defaults: str, options: str,
    small_blobs: Mapping[str, bytes], large_blobs: Mapping[str, int], now: int | None = None,
) -> tuple[HandlerVersion, bool, str | None]:
    """Store a version (signed by the caller, ``id`` ignored) and make it the head of its key.

    Equal content is stored once: then the stored version comes back, with False. The text says whom
    this head took the key from, where that was another notebook. ``defaults`` and ``options`` (JSON)
    belong to the head. Raises BadRequest if the manifest names a blob that nobody has stored.
    """
    with queue.write() as connection:
        return _register(queue, connection, version, defaults, options, small_blobs, large_blobs, now or utc())


def register_and_enqueue(
    queue: Queue, version: HandlerVersion, jobs: Sequence[enqueuing.NewJob], *, defaults: str, options: str,
    small_blobs: Mapping[str, bytes], large_blobs: Mapping[str, int], now: int | None = None,
) -> tuple[HandlerVersion, bool, str | None, list[int]]:
    """Both in one transaction: nothing is half there. The jobs' ``handler_id`` is filled in."""
    now = now or utc()
    with queue.write() as connection:
        stored, is_new, notice = _register(
            queue, connection, version, defaults, options, small_blobs, large_blobs, now)
        ids = enqueuing.insert(connection, [replace(job, handler_id=stored.id) for job in jobs], now)
    return stored, is_new, notice, ids


def keep_beside(queue: Queue, version: HandlerVersion, *, small_blobs: Mapping[str, bytes],
                large_blobs: Mapping[str, int], now: int | None = None) -> HandlerVersion:
    """Store a version that is the head of no key: it is named by what uses it."""
    with queue.write() as connection:
        return _stored(queue, connection, version, small_blobs, large_blobs, now or utc())[0]


def register_inside(queue: Queue, version: HandlerVersion, now: int) -> HandlerVersion:
    """A version without blobs, in the transaction that is open; stored once."""
    with queue.read() as connection:         # inside a write, that one's connection
        return _register(queue, connection, version, "{}", "{}", {}, {}, now)[0]


def _register(
    queue: Queue, connection: sqlite3.Connection, version: HandlerVersion, defaults: str, options: str,
    small: Mapping[str, bytes], large: Mapping[str, int], now: int,
) -> tuple[HandlerVersion, bool, str | None]:
    notice = _notice(queue, connection, version)
    stored, is_new = _stored(queue, connection, version, small, large, now)
    connection.execute(sql("handler_set_head"), {"key": version.key, "head": stored.id, "defaults": defaults,
                                                 "options": options, "now": now})
    if version.key.startswith(listening.HOOKS):
        listening.for_hooks(connection)
    return stored, is_new, notice


def _stored(queue: Queue, connection: sqlite3.Connection, version: HandlerVersion,
            small: Mapping[str, bytes], large: Mapping[str, int], now: int) -> tuple[HandlerVersion, bool]:
    blobs.put(connection, small, large, now)
    cursor = connection.execute(sql("handler_version_by_hash"), {
        "key": version.key, "version": version.version})
    row = cursor.fetchone()
    if row is None:
        held = {*small, *large, *version.manifest.blobs}
        blobs.require(connection, held, f"handler {version.key}")
        added = connection.execute(sql("handler_version_add"), rows.version_values(version, queue)).lastrowid
        assert added is not None
        stored = replace(version, id=added)
        connection.executemany(sql("handler_blob_add"),
                               [{"handler_id": added, "digest": digest} for digest in sorted(held)])
    else:
        stored = rows.handler_version(rows.by_name(cursor.description, row), queue)
        connection.execute(sql("blob_touch"), {"handler_id": stored.id, "now": now})
    return stored, row is None


def _notice(queue: Queue, connection: sqlite3.Connection, version: HandlerVersion) -> str | None:
    """Whether this takes the key from another notebook's code."""
    found = connection.execute(sql("handler_head"), {"key": version.key}).fetchone()
    if found is None:
        return None
    head = rows.handler(found, queue)
    if head.version == version.version:
        return None
    cursor = connection.execute(sql("handler_version"), {"id": head.head})
    before = rows.handler_version(rows.by_name(cursor.description, cursor.fetchone()), queue).provenance
    if before.notebook == version.provenance.notebook:
        return None
    return (f"{version.key} was version {head.version} from {before.notebook or 'elsewhere'}; "
            f"new jobs of this key now run version {version.version}")
