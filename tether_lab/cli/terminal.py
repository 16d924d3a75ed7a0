"""What is printed: tables in colour, texts without other people's control codes, JSON."""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TextIO

from tether_lab.job import JobRow

if TYPE_CHECKING:
    from tether_lab.views.tables import Table

_ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -/]*[0-~])?")
_CONTROL = re.compile(r"[\x00-\x07\x0b-\x0c\x0e-\x1a\x1c-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_COLOUR = re.compile(r"\x1b\[[0-9;:]*m")
_SIGNED = re.compile(r"([◌▶↻✔✘■]) (\w+)")
_COLOURS = {"◌": "36", "▶": "34", "↻": "33", "✔": "32", "✘": "31", "■": "90"}


def coloured(stream: TextIO | None = None) -> bool:
    """Whether a stream shows colours: a terminal, unless NO_COLOR or TERM=dumb say otherwise."""
    stream = stream or sys.stdout
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def printable(text: str) -> str:
    """For a line of ours that quotes something: no escape codes, no control characters."""
    return _CONTROL.sub("", _ESCAPE.sub("", text)).replace("\r", "").replace("\b", "")


def safe(text: str, *, colours: bool) -> str:
    """Somebody's output for a terminal: line ends, tabs, carriage returns and, if wanted, colours
    stay; what moves the cursor, sets titles or answers questions goes."""
    kept = _ESCAPE.sub(lambda m: m[0] if colours and _COLOUR.fullmatch(m[0]) else "", text)
    return _CONTROL.sub("", kept)


def write_output(text: str, *, error: bool = False) -> None:
    """Text of a job: as it is into a file or pipe, made safe for a terminal."""
    stream = sys.stderr if error else sys.stdout
    stream.write(safe(text, colours=coloured(stream)) if stream.isatty() else text)
    stream.flush()


def say(text: str = "") -> None:
    """A line of ours, its status words in colour."""
    print(paint(text) if coloured() else text)


def paint(text: str) -> str:
    """Status words in the colour of their sign."""
    return _SIGNED.sub(lambda m: f"\x1b[{_COLOURS[m[1]]}m{m[1]} {m[2]}\x1b[0m", text)


def show_table(table: Table) -> None:
    """A table, in colour on a terminal."""
    from tether_lab.views.text import draw_table

    say(draw_table(table))


def show_json(value: object) -> None:
    """JSON, indented on a terminal, one line elsewhere."""
    print(json.dumps(value, ensure_ascii=not sys.stdout.isatty(), default=str,
                     indent=2 if sys.stdout.isatty() else None))


def show_rows(rows: Sequence[Any], table: Callable[[Sequence[Any], int], Table],
              as_json: Callable[[Any], object] | None) -> None:
    """A list of schedules, triggers or services: a table, or with ``as_json`` each of them as that says."""
    if as_json is not None:
        show_json([as_json(row) for row in rows])
    else:
        show_table(table(rows, time.time_ns() // 1000))


def show_found(found: Any, as_json: Mapping[str, Any] | None) -> None:
    """One of them: its card, or what is said of it to programs."""
    if as_json is not None:
        show_json(as_json)
    else:
        say(found._repr_mimebundle_()["text/plain"])


def moment(at: int | None) -> str | None:
    """ISO-8601 with Z of UTC µs."""
    if at is None:
        return None
    text = datetime.fromtimestamp(at / 1e6, UTC).isoformat(timespec="microseconds")
    return text.replace("+00:00", "Z")


def job_json(row: JobRow) -> dict[str, Any]:
    """A job for programs."""
    return {
        "id": row.id, "uuid": row.uuid, "key": row.key, "status": row.state.value, "kind": row.kind,
        "handler_version": row.handler_version, "queue": row.queue, "priority": row.priority,
        "payload": json.loads(row.payload), "options": json.loads(row.options.to_json()),
        "attempts": row.attempt, "max_attempts": row.max_attempts, "crashes": row.crash_count,
        "waits_for": row.waits_for, "worker": row.worker, "error": row.error,
        "progress": json.loads(row.progress) if row.progress else None,
        "description": row.description, "tags": list(row.tags),
        "created_at": moment(row.created_at), "updated_at": moment(row.updated_at),
        "due_at": moment(row.run_at), "started_at": moment(row.started_at),
        "finished_at": moment(row.finished_at),
        "cancel_requested_at": moment(row.cancel_requested_at),
    }


def show_body(body: Mapping[str, Any]) -> None:
    """One row of a job's output."""
    match body["k"]:
        case "stream":
            write_output(str(body["text"]), error=body["name"] == "stderr")
        case "display_data" | "execute_result":
            text = body["data"].get("text/plain", "")
            write_output(("".join(text) if isinstance(text, list) else str(text)) + "\n")
        case "error":
            write_output("\n".join(map(str, body["traceback"])) + "\n", error=True)
        case "attempt":
            write_output("-- another attempt --\n", error=True)
