"""All that other keys signed or closed, under the newest key: after a rotation, or once a foreign lab
is trusted.

In small transactions, so that work goes on meanwhile, in a terminal or in the worker, or in both: what is
done carries the new key, so whoever is killed midway has lost nothing, and the next goes on from there. A
running job keeps its key until the next time. What has to be verified first and does not verify, and what a
missing key closed, stays as it is.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tether_lab.errors import BadSignature, CaptureUnavailable, KeyMissing
from tether_lab.vault import signing
from tether_lab.vault.files import write_private
from tether_lab.vault.keys import Field
from tether_lab.vault.sealing import is_sealed, key_of

from . import owner, rows, sealed
from .causes import triggers
from .queue import Queue
from .schedules import schedules
from .services import services
from .statements import sql

LEFT = (BadSignature, KeyMissing)
LONGEST = 0.02
"""Seconds after which a transaction takes no further row: others wait for the lock."""


@dataclass(slots=True)
class Rekeyed:
    """How many rows have a new signature, and which were left and why."""

    rows: int = 0
    left: int = 0
    reason: str = ""


class Rekeying:
    """One pass. ``verify``: sign only what one of our keys signed before; else everything, as trusted."""

    def __init__(self, queue: Queue, *, verify: bool) -> None:
        self._queue, self._verify = queue, verify
        self.done = Rekeyed()

    def run(self, told: Callable[[int], None] = lambda _: None) -> Rekeyed:
        """Everything; how it went. ``told`` hears after each transaction how many rows are done."""
        for _ in self.steps():
            told(self.done.rows)
        return self.done

    def steps(self) -> Iterator[None]:
        """One small transaction at a time."""
        queue = self._queue
        if not self._verify or owner.is_own(queue):
            owner.own(queue)
        yield from self._in_order(sql("rekey_versions"), self._version)
        yield from self._in_order(sql("rekey_jobs"), self._job)
        for read, do in ((schedules, self._schedule), (services, self._service), (triggers, self._trigger)):
            with queue.write(power=False) as connection:
                for row in read(queue):
                    if row.key_id != queue.vault.key_id:
                        self._each(connection, do, row)
            yield
        with queue.write(power=False) as connection:
            self._each(connection, self._defaults)
        for digest, file in list(self.blobs()):
            self._blob(digest, file=file)
            yield
        with queue.write(power=True):      # and with this, all of it survives a power cut
            pass

    def left(self) -> int:
        """How many handlers and jobs are not under the newest key, those that run included."""
        with self._queue.read() as connection:
            found = connection.execute(sql("rekey_todo"), {"key_id": self._queue.vault.key_id}).fetchone()
            return int(found[0])

    def _in_order(self, look: str, do: Callable[..., int]) -> Iterator[None]:
        """Looked for without the lock; then read again and written in one transaction of some milliseconds."""
        key_id, after = self._queue.vault.key_id, 0
        while True:
            with self._queue.read() as connection:
                found = connection.execute(look, {"key_id": key_id, "after": after}).fetchone()
            if found is None:
                return
            with self._queue.write(power=False) as connection:
                until = time.monotonic() + LONGEST
                cursor = connection.execute(look, {"key_id": key_id, "after": found[0] - 1})
                names = [column[0] for column in cursor.description]
                after = found[0]
                for row in cursor.fetchall():
                    self._each(connection, do, dict(zip(names, row, strict=True)))
                    after = row[0]
                    if time.monotonic() > until:
                        break
            yield

    def _each(self, connection: sqlite3.Connection, do: Callable[..., int], *given: Any) -> None:
        """One row with all that belongs to it, or nothing of it."""
        connection.execute("SAVEPOINT one")
        try:
            self.done.rows += do(connection, *given)
        except LEFT as error:
            connection.execute("ROLLBACK TO one")
            self.done.left += 1
            self.done.reason = error.message
        finally:
            connection.execute("RELEASE one")

    def blobs(self) -> Iterator[tuple[str, bool]]:
        """The names of closed blobs, and whether each is a file."""
        after = ""
        while True:
            with self._queue.read() as connection:
                found = connection.execute(sql("rekey_blobs"), {"after": after}).fetchall()
            yield from ((digest, bool(file)) for digest, file in found)
            if not found:
                return
            after = found[-1][0]

    # -- one thing at a time -----------------------------------------------------------------------

    def _signed(self, old: tuple[str, bytes], domain: str, fields: tuple[Field, ...]) -> dict[str, Any]:
        """The new signature, if the old one is good or need not be."""
        vault = self._queue.vault
        if self._verify:
            vault.verify(old[1], old[0], domain, *fields)
        return {"key_id": vault.key_id, "mac": vault.sign(domain, *fields)}

    def _again(self, text: str | None, *place: Field) -> str | None:
        """A closed text, closed anew; another one as it is."""
        if text is None or not is_sealed(text):
            return text
        return sealed.close(self._queue, sealed.opened(self._queue, text, *place), *place)

    def _version(self, connection: sqlite3.Connection, row: dict[str, Any]) -> int:
        queue = self._queue
        if is_sealed(row["manifest"]):
            sealed.opened(queue, row["manifest"], "version", "manifest", row["uuid"])    # or leave it
        version = rows.handler_version(row, queue)
        signed = self._signed((version.key_id, version.mac), signing.HANDLER,
                              signing.handler_fields(queue.uuid, version))
        connection.execute(sql("rekey_version"), {
            "id": version.id, "manifest": sealed.manifest(queue, version), **signed})
        return 1

    def _job(self, connection: sqlite3.Connection, row: dict[str, Any]) -> int:
        queue = self._queue
        job_id, uuid, key, version = row["id"], row["uuid"], row["key"], row["version"]
        payload, progress, error = row["payload"], row["progress"], row["error"]
        text = sealed.opened(queue, payload, "job", "payload", uuid)
        signed = self._signed((row["key_id"], row["mac"]), signing.JOB,
                              signing.job_fields(queue.uuid, uuid, key, version, text, row["options"]))
        if sealed.SECRET in text:
            text, secret = sealed.reveal(queue, text, uuid)
            text = sealed.hide(queue, text, tuple(secret), uuid)
            fields = signing.job_fields(queue.uuid, uuid, key, version, text, row["options"])
            signed["mac"] = queue.vault.sign(signing.JOB, *fields)
        connection.execute(sql("rekey_job"), {
            "id": job_id, "progress": self._again(progress, "job", "progress", uuid),
            "error": self._again(error, "job", "error", uuid), **signed,
            "payload": sealed.close(queue, text, "job", "payload", uuid) if is_sealed(payload) else text})
        self._parts(connection, job_id, uuid)
        return 1 + self._result(connection, job_id) + self._memos(connection, job_id, uuid)

    def _parts(self, connection: sqlite3.Connection, job_id: int, uuid: str) -> None:
        for epoch, error, trace in connection.execute(sql("rekey_attempts"), {"id": job_id}).fetchall():
            connection.execute(sql("rekey_attempt"), {
                "id": job_id, "epoch": epoch, "error": self._again(error, "attempt", "error", uuid, epoch),
                "traceback": self._again(trace, "attempt", "traceback", uuid, epoch)})
        for event, epoch, kind, detail in connection.execute(sql("rekey_events"), {"id": job_id}).fetchall():
            connection.execute(sql("rekey_event"), {
                "id": event, "detail": self._again(detail, "event", uuid, epoch, kind)})
        for epoch, seq, body in connection.execute(sql("rekey_outputs"), {"id": job_id}).fetchall():
            connection.execute(sql("rekey_output"), {
                "id": job_id, "epoch": epoch, "seq": seq,
                "body": self._again(body, "output", uuid, epoch, seq)})

    def _result(self, connection: sqlite3.Connection, job_id: int) -> int:
        row = connection.execute(sql("result_get"), {"job_id": job_id}).fetchone()
        if row is None:
            return 0
        found, stored = rows.result(row, self._queue), row[4]
        place = (found.job_uuid, found.epoch)
        signed = self._signed((found.key_id, found.mac), signing.RESULT, signing.result_fields(
            self._queue.uuid, found.job_uuid, found.epoch, found.kind, found.body))
        connection.execute(sql("rekey_result"), {
            "job_id": job_id, **signed, "body": self._again(stored, "result", "body", *place),
            "text": self._again(row[5], "result", "text", *place)})
        return 1

    def _memos(self, connection: sqlite3.Connection, job_id: int, uuid: str) -> int:
        found = connection.execute(sql("memo_list"), {"job_id": job_id}).fetchall()
        for name, _, kind, stored, key_id, mac in found:
            body = sealed.opened(self._queue, stored, "memo", uuid, name)
            signed = self._signed((key_id, mac), signing.MEMO, signing.memo_fields(
                self._queue.uuid, uuid, name, kind, body))
            connection.execute(sql("rekey_memo"), {"job_id": job_id, "name": name, **signed,
                                                   "body": self._again(stored, "memo", uuid, name)})
        return len(found)

    def _schedule(self, connection: sqlite3.Connection, row: Any) -> int:
        payload = sealed.opened(self._queue, row.payload, "schedule", "payload", row.uuid)
        signed = self._signed((row.key_id, row.mac), signing.SCHEDULE, signing.schedule_fields(
            self._queue.uuid, row.uuid, row.name, row.key, row.rule.to_json(), payload, row.options))
        connection.execute(sql("rekey_schedule"), {
            "id": row.id, "payload": self._again(row.payload, "schedule", "payload", row.uuid), **signed})
        return 1

    def _service(self, connection: sqlite3.Connection, row: Any) -> int:
        signed = self._signed((row.key_id, row.mac), signing.SERVICE,
                              signing.service_fields(self._queue.uuid, row))
        connection.execute(sql("rekey_service"), {"id": row.id, **signed})
        return 1

    def _trigger(self, connection: sqlite3.Connection, row: Any) -> int:
        payload = sealed.opened(self._queue, row.payload, "trigger", "payload", row.uuid)
        signed = self._signed((row.key_id, row.mac), signing.TRIGGER,
                              signing.trigger_fields(self._queue.uuid, row, payload))
        connection.execute(sql("rekey_trigger"), {
            "id": row.id, "payload": self._again(row.payload, "trigger", "payload", row.uuid), **signed})
        return 1

    def _defaults(self, connection: sqlite3.Connection) -> int:
        found = connection.execute(sql("rekey_defaults_look")).fetchall()
        for key, defaults in found:
            connection.execute(sql("rekey_defaults"), {
                "key": key, "defaults": self._again(defaults, "handler", "defaults", key)})
        return len(found)

    def _blob(self, digest: str, *, file: bool) -> None:
        """A file is written anew beside the database, and takes its place at once; a row in a transaction."""
        queue = self._queue
        path = queue.folder.blobs / digest[:2] / digest
        try:
            if file:
                if _key_of_file(path) != queue.vault.key_id:
                    write_private(path, self._closed_again(digest, path.read_bytes()))
                    self.done.rows += 1
                return
            with queue.write(power=False) as connection:
                data = connection.execute(sql("blob_data"), {"digest": digest}).fetchone()
                if data is not None and key_of(data[0]) != queue.vault.key_id:
                    again = self._closed_again(digest, data[0])
                    connection.execute(sql("rekey_blob"), {"digest": digest, "data": again, "size": len(again)})
                    self.done.rows += 1
        except LEFT as error:
            self.done.left += 1
            self.done.reason = error.message
        except (OSError, CaptureUnavailable):
            return                                   # its file is gone: whoever needs it says so

    def _closed_again(self, digest: str, closed: bytes) -> bytes:
        content = sealed.open_blobs(self._queue, {digest}, {digest: closed})[digest]
        return self._queue.vault.seal(content, self._queue.uuid, "blob", digest)


def _key_of_file(path: Path) -> str:
    with path.open("rb") as file:
        return key_of(file.read(64))


def left(queue: Queue, key_id: str) -> int:
    """How many rows still need this key: signed rows, and blobs that only it opens."""
    with queue.read() as connection:
        signed = int(connection.execute(sql("rekey_left"), {"key_id": key_id}).fetchone()[0])
    closed = 0
    for digest, file in Rekeying(queue, verify=True).blobs():
        with contextlib.suppress(OSError, BadSignature):
            if file:
                closed += _key_of_file(queue.folder.blobs / digest[:2] / digest) == key_id
            else:
                with queue.read() as connection:
                    data = connection.execute(sql("blob_data"), {"digest": digest}).fetchone()
                closed += data is not None and key_of(data[0]) == key_id
    return signed + closed
