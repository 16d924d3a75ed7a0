"""Registered code, read."""

from __future__ import annotations

from collections.abc import Iterable

from tether_lab.errors import UnknownHandler
from tether_lab.job import Handler, HandlerVersion

from . import blobs, rows
from .queue import Queue
from .statements import sql


def head(queue: Queue, key: str) -> Handler | None:
    """The head of a key: its newest version, defaults and options."""
    with queue.read() as connection:
        row = connection.execute(sql("handler_head"), {"key": key}).fetchone()
    return None if row is None else rows.handler(row, queue)


def handlers(queue: Queue) -> list[Handler]:
    """The heads of all keys, by name."""
    with queue.read() as connection:
        return [rows.handler(row, queue) for row in connection.execute(sql("handlers")).fetchall()]


def version(queue: Queue, version_id: int) -> HandlerVersion:
    """One version, unverified. Raises UnknownHandler."""
    with queue.read() as connection:
        cursor = connection.execute(sql("handler_version"), {"id": version_id})
        row = cursor.fetchone()
        if row is None:
            raise UnknownHandler(f"there is no handler version {version_id} in {queue.path}",
                                 where=str(version_id))
        return rows.handler_version(rows.by_name(cursor.description, row), queue)


def versions(queue: Queue, key: str) -> list[HandlerVersion]:
    """All versions of a key, newest first, unverified."""
    with queue.read() as connection:
        cursor = connection.execute(sql("handler_versions"), {"key": key})
        return [rows.handler_version(rows.by_name(cursor.description, row), queue) for row in cursor.fetchall()]


def version_by_hash(queue: Queue, key: str, content: str) -> HandlerVersion:
    """The version of this content, unverified. Raises UnknownHandler."""
    with queue.read() as connection:
        cursor = connection.execute(sql("handler_version_by_hash"), {"key": key, "version": content})
        row = cursor.fetchone()
        if row is None:
            raise UnknownHandler(f"there is no version {content} of {key} in {queue.path}", where=key)
        return rows.handler_version(rows.by_name(cursor.description, row), queue)


def extras(queue: Queue) -> list[int]:
    """The version ids of what acts beside jobs: middleware, resources, what runs first."""
    with queue.read() as connection:
        return [row[0] for row in connection.execute(sql("extra_heads")).fetchall()]


def remove_extra(queue: Queue, key: str) -> bool:
    """Whether there was one of this key."""
    with queue.write() as connection:
        return connection.execute(sql("extra_remove"), {"key": key}).rowcount > 0


def small_blobs(queue: Queue, digests: Iterable[str]) -> dict[str, bytes]:
    """The bodies of the small blobs among these digests (large ones are files), and of the encrypted ones."""
    return blobs.small(queue, digests)
