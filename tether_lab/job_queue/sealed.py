"""What the queue keeps closed, and how its readers get to see it.

Writers hand in texts that the vault has closed (see ``worker.cover``); here they are opened, for whoever
has the key. A reader without it is told so in the value's place and goes on with the rest. The worker is
refused instead: what it cannot open it must not run.

Each value is bound to its place: lab, table, column and row (a job's uuid, the epoch, the number).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tether_lab.errors import BadSignature, CaptureUnavailable, KeyMissing, LoosePermissions
from tether_lab.job import JobOptions
from tether_lab.vault.sealing import is_sealed

if TYPE_CHECKING:
    from tether_lab.job import HandlerVersion
    from tether_lab.job.schedule import ScheduleRow
    from tether_lab.job.trigger import TriggerRow
    from tether_lab.vault.keys import Field

    from .queue import Queue

SECRET = "$secret"      # noqa: S105  the mark of a closed field
CLOSED = (KeyMissing, BadSignature, LoosePermissions)


def close(queue: Queue, text: str, *place: Field) -> str:
    """The text for the database, bound to its place in this lab."""
    return queue.vault.seal_text(text, queue.uuid, *place)


def opened(queue: Queue, text: str, *place: Field) -> str:
    """The text, whether it was closed or not. Raises KeyMissing, BadSignature, LoosePermissions."""
    return queue.vault.unseal_text(text, queue.uuid, *place) if is_sealed(text) else text


def shown(queue: Queue, text: str | None, *place: Field) -> tuple[str | None, str | None]:
    """The text and None; or None and why it cannot be read here. The worker gets the error."""
    if text is None or not is_sealed(text):
        return text, None
    try:
        return opened(queue, text, *place), None
    except CLOSED as error:
        if queue.role == "supervisor":
            raise
        return None, f"encrypted: {error.message}"


def line(queue: Queue, text: str | None, *place: Field) -> str | None:
    """A text for people: what it says, or why it cannot be read."""
    found, why = shown(queue, text, *place)
    return found if why is None else why


def detail(queue: Queue, text: str, *place: Field) -> dict[str, Any]:
    """A JSON object for people."""
    found, why = shown(queue, text, *place)
    return {"unreadable": why} if found is None else dict(json.loads(found))


def output(queue: Queue, body: str, *place: Field) -> str:
    """A row of output; one that cannot be read says so where it would stand."""
    found, why = shown(queue, body, *place)
    return json.dumps({"k": "stream", "name": "stderr", "text": f"[{why}]\n"}) if found is None else found


def job(queue: Queue, row: Mapping[str, Any]) -> dict[str, Any]:
    """The closed columns of a job, opened, and ``unreadable``: why one is not."""
    if not (is_sealed(row["payload"]) or is_sealed(row["error"]) or is_sealed(row["progress"])):
        return {name: row[name] for name in ("payload", "progress", "error")}
    found: dict[str, Any] = {}
    for name in ("payload", "progress", "error"):
        found[name], why = shown(queue, row[name], "job", name, row["uuid"])
        if why is not None:
            found["unreadable"] = why
    if found["payload"] is None:
        found["payload"] = "{}"
    if found["error"] is None and row["error"] is not None:
        found["error"] = found["unreadable"]
    return found


def masked(payload: str) -> str:
    """The payload as it is shown: secret fields by their length only."""
    if SECRET not in payload:
        return payload
    try:
        values = json.loads(payload)
    except ValueError:                     # changed by somebody: what is closed in it stays closed
        return payload
    return json.dumps({name: _dots(value["length"]) if _is_secret(value) else value
                       for name, value in values.items()}, ensure_ascii=False, separators=(",", ":"))


def for_people(queue: Queue, row: ScheduleRow | TriggerRow, table: str) -> dict[str, Any]:
    """The payload that a schedule or trigger gives its jobs, secret fields by their length only. Raises
    KeyMissing, BadSignature."""
    text = opened(queue, row.payload, table, "payload", row.uuid)
    values: dict[str, Any] = json.loads(text)
    for name in JobOptions.from_json(row.options).secret:
        if name in values:
            value = values[name]
            values[name] = _dots(len(value if isinstance(value, str) else json.dumps(value)))
    return values


def _dots(length: object) -> str:
    return f"••• ({length} chars)"


def _is_secret(value: object) -> bool:
    return isinstance(value, dict) and value.keys() == {SECRET, "length"}


def hide(queue: Queue, payload: str, names: tuple[str, ...], uuid: str) -> str:
    """The payload with these fields closed, each on its own."""
    values = json.loads(payload)
    for name in names:
        if name in values:
            text = values[name] if isinstance(values[name], str) else json.dumps(values[name])
            closed = close(queue, json.dumps(values[name]), "secret", uuid, name)
            values[name] = {SECRET: closed, "length": len(text)}
    return json.dumps(values, ensure_ascii=False, separators=(",", ":"))


def reveal(queue: Queue, payload: str, uuid: str) -> tuple[str, dict[str, Any]]:
    """The payload as the job gets it, and its secret fields. For the worker alone."""
    values, secret = json.loads(payload), {}
    for name, value in values.items():
        if _is_secret(value):
            secret[name] = values[name] = json.loads(opened(queue, value[SECRET], "secret", uuid, name))
    return json.dumps(values, ensure_ascii=False, separators=(",", ":")), secret


def payload(queue: Queue, text: str, options: JobOptions, uuid: str) -> tuple[str, str]:
    """A job's payload as it is signed (secret fields closed), and as it is stored."""
    signed = hide(queue, text, options.secret, uuid) if options.secret else text
    return signed, close(queue, signed, "job", "payload", uuid) if options.encrypt else signed


def seal_blob(queue: Queue, content: Any) -> tuple[str, bytes]:
    """The name and the bytes under which a blob is kept: equal contents have one name, which tells
    nothing to those without the key."""
    from tether_lab.capture.blobs import SEALED, digest_of

    name = queue.vault.mask("blob", queue.uuid, digest_of(content)) + SEALED
    return name, queue.vault.seal(memoryview(content).cast("B"), queue.uuid, "blob", name)


def open_blobs(queue: Queue, names: set[str], found: Mapping[str, bytes]) -> dict[str, bytes]:
    """The contents of closed blobs: rows where ``found`` has them, files else. Raises CaptureUnavailable
    for one that is gone, and what ``opened`` raises."""
    contents = {}
    for name in sorted(names):
        closed = found.get(name)
        if closed is None:
            path = queue.folder.blobs / name[:2] / name
            try:
                closed = path.read_bytes()
            except OSError as error:
                raise CaptureUnavailable(f"blob {name[:12]} cannot be opened ({error.strerror or error})",
                                         remedy="It was pruned or removed; run the cell again to register it "
                                                "anew.", where=str(path)) from error
        contents[name] = queue.vault.unseal(closed, queue.uuid, "blob", name)
    return contents


def manifest(queue: Queue, version: HandlerVersion) -> str:
    """The manifest as it is stored."""
    text = version.manifest.to_json()
    return close(queue, text, "version", "manifest", version.uuid) if version.manifest.encrypted else text
