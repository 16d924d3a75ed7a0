"""From rows of the database to the words of ``job``, and texts that SQLite can hold."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

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

Row = tuple[Any, ...]


def by_name(description: Any, row: Row) -> dict[str, Any]:
    """Column names to values, from a cursor's description."""
    return dict(zip((column[0] for column in description), row, strict=True))


def plain(text: str | None) -> str | None:
    """The text with lone surrogates spelled out, which UTF-8 cannot say: no ending may fail on them."""
    if text is None or text.isascii():
        return text
    return text.encode("utf-8", "backslashreplace").decode()


def job_row(row: Mapping[str, Any]) -> JobRow:
    options = JobOptions.from_json(row["options"])
    if options.priority != row["priority"]:
        options = replace(options, priority=row["priority"])
    return JobRow(
        id=row["id"], uuid=row["uuid"], key=row["key"], handler_id=row["handler_id"],
        handler_version=row["handler_version"], kind=row["kind"], queue=row["queue"],
        payload=row["payload"], options=options, state=State(row["state"]), waits_for=row["waits_for"],
        priority=row["priority"], run_at=row["run_at"], attempt=row["attempt"],
        max_attempts=row["max_attempts"], epoch=row["epoch"], crash_count=row["crash_count"],
        worker=row["worker"], cancel_requested_at=row["cancel_requested_at"],
        created_at=row["created_at"], updated_at=row["updated_at"], started_at=row["started_at"],
        finished_at=row["finished_at"], progress=row["progress"], error=row["error"],
        description=row["description"], tags=tuple(json.loads(row["tags"])),
        chain_id=row["chain_id"], batch_id=row["batch_id"], step=row["step"], deps_left=row["deps_left"])


def handler_version(row: Mapping[str, Any]) -> HandlerVersion:
    return HandlerVersion(
        id=row["id"], uuid=row["uuid"], key=row["key"], version=row["version"], kind=row["kind"],
        source=row["source"], parameters=row["parameters"], manifest=Manifest.from_json(row["manifest"]),
        interpreter=Interpreter(**json.loads(row["interpreter"])), provenance=_provenance(row["provenance"]),
        created_at=row["created_at"], key_id=row["key_id"], mac=row["mac"])


def version_values(version: HandlerVersion) -> dict[str, Any]:
    """The parameters of handler_version_add."""
    return {
        "uuid": version.uuid, "key": version.key, "version": version.version, "kind": version.kind,
        "source": version.source, "parameters": version.parameters, "manifest": version.manifest.to_json(),
        "interpreter": _json(asdict(version.interpreter)), "provenance": _json(asdict(version.provenance)),
        "created_at": version.created_at, "key_id": version.key_id, "mac": version.mac}


def handler(row: Row) -> Handler:
    return Handler(*row)


def attempt(row: Row) -> Attempt:
    cpu_us = row[10]
    usage = Usage(cpu_seconds=None if cpu_us is None else cpu_us / 1e6, peak_bytes=row[11],
                  exit_code=row[12], signal=row[13], pid=row[14])
    return Attempt(
        job_id=row[0], epoch=row[1], attempt=row[2], worker=row[3], started_at=row[4], finished_at=row[5],
        outcome=row[6], error_type=row[7], error=row[8], traceback=row[9], usage=usage)


def event(row: Row) -> Event:
    return Event(id=row[0], job_id=row[1], epoch=row[2], kind=row[3], at=row[4], detail=json.loads(row[5]))


def result(row: Row) -> ResultRow:
    return ResultRow(*row)


def _provenance(text: str) -> Provenance:
    """Unknown fields of a newer version are left out: provenance is shown, never acted upon."""
    raw = json.loads(text)
    return Provenance(**{name: raw[name] for name in Provenance.__dataclass_fields__ if name in raw})


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), sort_keys=True)
