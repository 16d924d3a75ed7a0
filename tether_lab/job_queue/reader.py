"""Reading on event loops: aiosqlite, one read-only connection, closed after a second of rest.

Only reads: a cancelled ``BEGIN`` on aiosqlite leaves a lock that nobody holds, so an async write is the
synchronous verb, whole, in one thread hop.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import sqlite3
import threading
import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from tether_lab.errors import QueueBusy
from tether_lab.job import Attempt, Event, JobRow, ResultRow, State
from tether_lab.vault.sealing import is_sealed

from . import connection as connecting, failures, read, rest, rows, sealed, waiting
from .queue import Queue
from .statements import sql

if TYPE_CHECKING:
    import aiosqlite


class Reader:
    """The reads of ``read`` and ``outputs`` as coroutines. Belongs to the loop it is first used on."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue
        self._lock = threading.Lock()
        self._connection: aiosqlite.Connection | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._files: tuple[int, ...] = ()
        self._used_at, self._reading = 0.0, 0
        rest.know(self)

    @property
    def queue(self) -> Queue:
        """The queue that it reads."""
        return self._queue

    async def get(self, job_id: int) -> JobRow:
        """One job. Raises JobNotFound."""
        found = await self.fetch(sql("job_get"), {"id": job_id})
        if not found:
            raise read.not_found(self._queue, job_id)
        return rows.job_row(dict(found[0]), self._queue)

    async def jobs(
        self, states: Iterable[State] | None = None, key: str | None = None, tag: str | None = None,
        since: int | None = None, limit: int = 20, offset: int = 0, order: str = "newest",
        in_queue: str | None = None, **further: Any,
    ) -> list[JobRow]:
        """A page of jobs, as ``read.jobs``."""
        statement, values = read.page(states, key, tag, since, limit, offset, order, in_queue, **further)
        return [rows.job_row(dict(row), self._queue) for row in await self.fetch(statement, values)]

    async def attempts(self, job_id: int) -> list[Attempt]:
        """All executions, the first first."""
        found = await self.fetch(sql("attempts"), {"job_id": job_id})
        uuid = await self._uuid(job_id, [text for row in found for text in (row["error"], row["traceback"])])
        return [rows.attempt(tuple(row), self._queue, uuid) for row in found]

    async def events(self, job_id: int, after: int = 0) -> list[Event]:
        """The history; only events with an id above ``after``."""
        found = await self.fetch(sql("events"), {"job_id": job_id, "after": after})
        uuid = await self._uuid(job_id, [row["detail"] for row in found])
        return [rows.event(tuple(row), self._queue, uuid) for row in found]

    async def outputs(
        self, job_id: int, epoch: int | None = None, after: int = -1,
    ) -> list[tuple[int, int, str]]:
        """Rows (seq, epoch, JSON body), as ``outputs.read``."""
        found = await self.fetch(sql("output_read"), {"job_id": job_id, "epoch": epoch, "after": after})
        uuid = await self._uuid(job_id, [row["body"] for row in found])
        return [(row["seq"], row["epoch"], sealed.output(
            self._queue, row["body"], "output", uuid, row["epoch"], row["seq"])) for row in found]

    async def result(self, job_id: int) -> ResultRow | None:
        """The result for people, as ``read.result_shown``."""
        found = await self.fetch(sql("result_get"), {"job_id": job_id})
        return rows.result_shown(tuple(found[0]), self._queue, job_id) if found else None

    async def counts(self) -> dict[State, int]:
        """How many jobs stand where."""
        return {State(row[0]): row[1] for row in await self.fetch(sql("counts"), {})}

    async def close(self) -> None:
        """Close the connection; the next read opens another one."""
        self.close_if_idle_since(float("inf"))

    async def _uuid(self, job_id: int, texts: list[str | None]) -> str:
        """As ``read.uuid_of``."""
        if not any(map(is_sealed, texts)):
            return ""
        found = await self.fetch(sql("job_uuid"), {"id": job_id})
        return str(found[0][0]) if found else ""

    # -- the connection --------------------------------------------------------------------------

    async def fetch(self, statement: str, values: Mapping[str, Any]) -> list[sqlite3.Row]:
        """The rows of a reading statement. Waits for a busy file as long as a client of the queue does."""
        deadline = time.monotonic() + self._queue.deadline
        with self._lock:
            self._reading += 1
        try:
            while True:
                try:
                    connection = await self._connected()
                    return list(await connection.execute_fetchall(statement, dict(values)))
                except sqlite3.Error as error:
                    if not failures.is_passing(error) or time.monotonic() > deadline:
                        raise failures.told(error, self._queue.path) or error from error
                    if failures.is_short(error):
                        self._stop()
                except QueueBusy:
                    if time.monotonic() > deadline:
                        raise
                await asyncio.sleep(random.uniform(waiting.SHORTEST, waiting.LONGEST))  # noqa: S311
        finally:
            with self._lock:
                self._reading -= 1
                self._used_at = time.monotonic()

    async def _connected(self) -> aiosqlite.Connection:
        import aiosqlite

        loop, queue = asyncio.get_running_loop(), self._queue
        with self._lock:
            if self._connection is not None:
                if self._loop is loop and self._files == queue.files_now():
                    return self._connection
                self._stop()          # another loop's, or its log was ended by somebody else
        # Opened in aiosqlite's thread.
        connection = aiosqlite.Connection(
            lambda: connecting.connect(queue.path, network=queue.network, read_only=True,
                                       deadline=time.monotonic() + 0.5), 64)
        connection._thread = threading.Thread(  # noqa: SLF001  it has no other switch
            target=_serve, args=(connection,), name="tether-lab-reads", daemon=True)
        await connection
        connection.row_factory = sqlite3.Row
        with self._lock:
            if self._connection is None:
                self._connection, self._loop, self._files = connection, loop, queue.files_now()
                rest.opened()
                return connection
        _stop(connection)             # two first reads at once: one connection is enough
        return await self._connected()

    def __del__(self) -> None:
        self._stop()

    def _stop(self) -> threading.Thread | None:
        connection, self._connection = self._connection, None
        if connection is None:
            return None
        _stop(connection)
        thread: threading.Thread = connection._thread  # noqa: SLF001  to wait for its end before a fork
        return thread

    # -- rest and forks (called by ``rest``) -----------------------------------------------------

    def close_if_idle_since(self, moment: float) -> bool:
        """Close unless a read is going on or one ended after ``moment``."""
        with self._lock:
            if self._connection is not None and not self._reading and self._used_at < moment:
                self._stop()
            return self._connection is None

    def before_fork(self) -> None:
        """Close, and wait until it is."""
        self._lock.acquire()
        thread = self._stop()
        if thread is not None:
            thread.join(1.0)

    def after_fork(self, *, child: bool) -> None:
        """Back to work, on both sides."""
        if child:
            self._lock, self._reading = threading.Lock(), 0
        else:
            self._lock.release()


def _serve(connection: aiosqlite.Connection) -> None:
    """What aiosqlite's thread does, for as long as it is wanted. It must not keep the interpreter from
    ending, nor say anything if a loop is closed while a read for it is under way: nobody waits for that."""
    from aiosqlite import core

    while True:
        with contextlib.suppress(RuntimeError):        # "Event loop is closed"
            core._connection_worker_thread(connection._tx)  # noqa: SLF001
            return
        if not connection._running and connection._tx.empty():  # noqa: SLF001
            return


def _stop(connection: aiosqlite.Connection) -> None:
    """Let its thread close it. From a thread without a loop: with one, ``stop`` would make a future
    there, which fails noisily when that loop ends first."""
    stopping = threading.Thread(target=connection.stop, daemon=True)
    with contextlib.suppress(RuntimeError):        # the interpreter ends, and its daemons with it
        stopping.start()
        stopping.join(1.0)
