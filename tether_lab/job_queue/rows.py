"""From rows of the database to the words of ``job``, and texts that SQLite can hold."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any, TypeVar

from tether_lab.errors import BadSignature
from tether_lab.job import (
    Attempt,
    Event,
    Handler,
    HandlerVersion,
    Interpreter,
    JobOptions,
    JobRow,
    Manifest,
    Provenance,
    ResultRow,
    State,
    Usage,
)
from tether_lab.vault.sealing import is_sealed

from . import sealed

if TYPE_CHECKING:
    from .queue import Queue

Row = tuple[Any, ...]
T = TypeVar("T")


def by_name(description: Any, row: Row) -> dict[str, Any]:
    """Column names to values, from a cursor's description."""
    return dict(zip((column[0] for column in description), row, strict=True))


def plain(text: str | None) -> str | None:
    """The text with lone surrogates spelled out, which UTF-8 cannot say: no ending may fail on them."""
    if text is None or text.isascii():
        return text
    return text.encode("utf-8", "backslashreplace").decode()


def job_row(row: Mapping[str, Any], queue: Queue) -> JobRow:
    said = sealed.job(queue, row)
    try:
        options = JobOptions.from_json(row["options"])
    except BadSignature as error:          # it is listed like any other; the worker refuses it
        options, said = JobOptions(), {"unreadable": error.message, **said}
    if options.priority != row["priority"]:
        options = replace(options, priority=row["priority"])
    return JobRow(
        id=row["id"], uuid=row["uuid"], key=row["key"], handler_id=row["handler_id"],
        handler_version=row["handler_version"], kind=row["kind"], queue=row["queue"],
        payload=sealed.masked(said["payload"]), options=options, state=State(row["state"]),
        waits_for=row["waits_for"],
        priority=row["priority"], run_at=row["run_at"], attempt=row["attempt"],
        max_attempts=row["max_attempts"], epoch=row["epoch"], crash_count=row["crash_count"],
        worker=row["worker"], cancel_requested_at=row["cancel_requested_at"],
        created_at=row["created_at"], updated_at=row["updated_at"], started_at=row["started_at"],
        finished_at=row["finished_at"], progress=said["progress"], error=said["error"],
        description=row["description"],
        tags=() if row["tags"] == "[]" else tuple(map(str, _plain(row["tags"], []))),
        chain_id=row["chain_id"], batch_id=row["batch_id"], step=row["step"], deps_left=row["deps_left"],
        unreadable=said.get("unreadable"), stored=said["payload"])


def handler_version(row: Mapping[str, Any], queue: Queue) -> HandlerVersion:
    text, why = sealed.shown(queue, row["manifest"], "version", "manifest", row["uuid"])
    manifest = Manifest(encrypted=True, warnings=(why or "",)) if text is None else Manifest.from_json(text)
    return HandlerVersion(
        id=row["id"], uuid=row["uuid"], key=row["key"], version=row["version"], kind=row["kind"],
        source=row["source"], parameters=row["parameters"], manifest=manifest,
        interpreter=Interpreter.from_json(row["interpreter"]), provenance=_provenance(row["provenance"]),
        created_at=row["created_at"], key_id=row["key_id"], mac=row["mac"])


def version_values(version: HandlerVersion, queue: Queue) -> dict[str, Any]:
    """The parameters of handler_version_add."""
    return {
        "uuid": version.uuid, "key": version.key, "version": version.version, "kind": version.kind,
        "source": version.source, "parameters": version.parameters, "manifest": sealed.manifest(queue, version),
        "interpreter": _json(asdict(version.interpreter)), "provenance": _json(asdict(version.provenance)),
        "created_at": version.created_at, "key_id": version.key_id, "mac": version.mac}


def handler(row: Row, queue: Queue) -> Handler:
    found = Handler(*row)
    if is_sealed(found.defaults):
        text, _ = sealed.shown(queue, found.defaults, "handler", "defaults", found.key)
        found = replace(found, defaults="{}" if text is None else text)
    return found


def attempt(row: Row, queue: Queue, uuid: str) -> Attempt:
    cpu_us, place = row[10], (uuid, row[1])
    usage = Usage(cpu_seconds=None if cpu_us is None else cpu_us / 1e6, peak_bytes=row[11],
                  exit_code=row[12], signal=row[13], pid=row[14])
    return Attempt(
        job_id=row[0], epoch=row[1], attempt=row[2], worker=row[3], started_at=row[4], finished_at=row[5],
        outcome=row[6], error_type=row[7], error=sealed.line(queue, row[8], "attempt", "error", *place),
        traceback=sealed.line(queue, row[9], "attempt", "traceback", *place), usage=usage)


def event(row: Row, queue: Queue, uuid: str) -> Event:
    detail = sealed.detail(queue, row[5], "event", uuid, row[2], row[3])
    return Event(id=row[0], job_id=row[1], epoch=row[2], kind=row[3], at=row[4], detail=detail)


def result(row: Row, queue: Queue) -> ResultRow:
    """Raises KeyMissing for one that is closed and stays so."""
    found = ResultRow(*row)
    if is_sealed(found.body) or is_sealed(found.text):
        place = (found.job_uuid, found.epoch)
        return replace(found, body=sealed.opened(queue, found.body, "result", "body", *place),
                       text=sealed.opened(queue, found.text, "result", "text", *place))
    return found


def result_shown(row: Row, queue: Queue, job_id: int) -> ResultRow:
    """The result for people; one that is closed and stays so says why."""
    try:
        return result(row, queue)
    except sealed.CLOSED as error:
        return ResultRow(job_id, "", 0, "unavailable", "", f"encrypted: {error.message}", "", 0, "", b"")


def _provenance(text: str) -> Provenance:
    """Unknown fields of a newer version are left out: provenance is shown, never acted upon, and not signed."""
    raw: dict[str, Any] = _plain(text, {})
    return Provenance(**{name: raw[name] for name in Provenance.__dataclass_fields__ if name in raw})


def _plain(text: str, empty: T) -> T:
    """JSON of this type that is only shown; empty if it is none."""
    with contextlib.suppress(ValueError):
        if isinstance(found := json.loads(text), type(empty)):
            return found
    return empty


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), sort_keys=True)
