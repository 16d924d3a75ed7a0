"""What has ended, as plain records: out of one lab, into another.

Records are rows as they are stored, with their signatures, so that whoever takes them in can verify them
against the lab they come from. Texts and blobs that are encrypted stay closed on the way.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from typing import Any

from . import listening, rows
from .clock import utc
from .queue import Queue
from .statements import sql

Record = dict[str, Any]

JOB = ("id", "uuid", "key", "handler_id", "queue", "payload", "options", "state", "priority", "run_at",
       "attempt", "max_attempts", "epoch", "crash_count", "cancel_requested_at", "created_at", "updated_at",
       "started_at", "finished_at", "error", "description", "tags", "key_id", "mac")
ATTEMPT = ("job_id", "epoch", "attempt", "worker", "started_at", "finished_at", "outcome", "error_type",
           "error", "traceback", "cpu_us", "peak_bytes", "exit_code", "signal", "pid")


def heads(queue: Queue, key: str | None) -> list[Record]:
    """The newest version of each key, with defaults and options."""
    with queue.read() as connection:
        return [dict(zip(("key", "version_uuid", "head", "defaults", "options"), row, strict=True))
                for row in connection.execute(sql("export_heads"), {"key": key}).fetchall()]


def version(queue: Queue, number: int) -> Record:
    """A version as stored."""
    with queue.read() as connection:
        cursor = connection.execute(sql("handler_version"), {"id": number})
        return rows.by_name(cursor.description, cursor.fetchone())


def jobs(queue: Queue, key: str | None, since: int | None) -> Iterator[Record]:
    """Ended jobs with their attempts, events, outputs and result."""
    after = 0
    while True:
        with queue.read() as connection:
            found = connection.execute(sql("export_jobs"), {
                "after": after, "key": key, "since": since}).fetchall()
        for row in found:
            yield _whole(queue, dict(zip(JOB, row, strict=True)))
        if not found:
            return
        after = found[-1][0]


def _whole(queue: Queue, job: Record) -> Record:
    with queue.read() as connection:
        result = connection.execute(sql("result_get"), {"job_id": job["id"]}).fetchone()
        attempts = connection.execute(sql("attempts"), {"job_id": job["id"]}).fetchall()
        outputs = []
        for attempt in attempts:
            outputs += connection.execute(sql("output_read"), {
                "job_id": job["id"], "epoch": attempt[1], "after": -1}).fetchall()
        return {"job": job, "attempts": [dict(zip(ATTEMPT, attempt, strict=True)) for attempt in attempts],
                "events": connection.execute(sql("events"), {"job_id": job["id"], "after": 0}).fetchall(),
                "outputs": outputs, "result": result,
                "blobs": [row[0] for row in connection.execute(sql("export_blobs"), {
                    "job_id": job["id"], "handler_id": job["handler_id"]}).fetchall()]}


def blob(queue: Queue, digest: str) -> bytes | None:
    """A blob as stored, small or large; None if it is gone."""
    with queue.read() as connection:
        found = connection.execute(sql("blob_small"), {"digests": json.dumps([digest])}).fetchall()
    if found:
        return bytes(found[0][1])
    path = queue.folder.blobs / digest[:2] / digest
    return path.read_bytes() if path.is_file() else None


def known(queue: Queue) -> set[str]:
    """The uuids of all jobs."""
    with queue.read() as connection:
        return {row[0] for row in connection.execute(sql("import_known")).fetchall()}


def add_version(queue: Queue, record: Record, head: Record | None, small: Mapping[str, bytes],
                large: Mapping[str, int]) -> tuple[int, bool]:
    """A version, unless it is here; its id, and whether it is new. ``head``: make it the key's, if that
    has none."""
    from . import blobs

    with queue.write() as connection:
        found = connection.execute(sql("import_version"), record).fetchone()
        blobs.put(connection, small, large, utc())
        if found is None:
            number = connection.execute(sql("handler_version_add"), record).lastrowid
            assert number is not None
            connection.executemany(sql("handler_blob_add"), [
                {"handler_id": number, "digest": digest} for digest in (*small, *large)])
        else:
            number = int(found[0])
        if head is not None and not connection.execute(sql("handler_head"), {"key": head["key"]}).fetchall():
            connection.execute(sql("handler_set_head"), {
                "key": head["key"], "head": number, "defaults": head["defaults"], "options": head["options"],
                "now": utc()})
            if head["key"].startswith(listening.HOOKS):
                listening.for_hooks(connection)
        return number, found is None


def add_job(queue: Queue, record: Record, handler_id: int, small: Mapping[str, bytes],
            large: Mapping[str, int]) -> int:
    """An ended job with all of its past; its new id."""
    from . import blobs

    with queue.write() as connection:
        number = int(connection.execute(sql("history_base")).fetchone()[0]) + 1
        job = {**record["job"], "id": number, "handler_id": handler_id}
        connection.execute(sql("history_job"), [job[name] for name in JOB])
        if listening.ASKS in job["options"]:
            listening.for_hooks(connection)
        connection.executemany(sql("history_attempt"), [
            [{**attempt, "job_id": number}[name] for name in ATTEMPT] for attempt in record["attempts"]])
        connection.executemany(sql("event_add"), [
            (epoch, kind, at, detail, number) for _, _, epoch, kind, at, detail in record["events"]])
        connection.executemany(sql("output_put"), [
            (number, epoch, seq, job["finished_at"], body) for seq, epoch, body in record["outputs"]])
        blobs.put(connection, small, large, utc())
        connection.executemany(sql("job_blob_add"), [
            {"job_id": number, "digest": digest} for digest in (*small, *large)])
        if record["result"] is not None:
            names = ("job_id", "job_uuid", "epoch", "kind", "body", "text", "type", "size", "key_id", "mac")
            connection.execute(sql("result_put"), {**dict(zip(names, record["result"], strict=True)),
                                                   "job_id": number})
    return number


def to_json(record: object) -> str:
    """One line; bytes as base64."""
    return json.dumps(record, ensure_ascii=False, separators=(",", ":"),
                      default=lambda value: {"$bytes": base64.b64encode(value).decode()})


def from_json(line: str) -> Any:
    """The other direction."""
    return json.loads(line, object_hook=lambda found: base64.b64decode(found["$bytes"])
                      if found.keys() == {"$bytes"} else found)
