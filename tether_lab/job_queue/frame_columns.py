"""Every column of the frames of jobs, attempts, events and outputs, declared once.

The reading SQL, the dtypes, the documentation and the tests all come from these tables.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Type = Literal["int", "int?", "time", "span", "category", "version", "text", "words"]
"""What a column holds: whole numbers (``?``: some are missing), moments, durations, words out of few,
words that belong to the handler version, texts, tuples of words."""

DTYPES: dict[Type, str] = {
    "int": "int64", "int?": "Int64", "time": "datetime64[us, UTC]", "span": "timedelta64[us]",
    "category": "category", "version": "category", "text": "str", "words": "object"}
"""The pandas dtype of each type."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its name, the SQL that gives it (integers: UTC µs, µs), its type, what it means.

    Of a ``version`` column ``sql`` is the field of the handler version. ``core`` columns are loaded
    if no others are asked for.
    """

    name: str
    sql: str
    type: Type
    meaning: str
    core: bool = False




def _opened(column: str, *place: str) -> str:
    """A column whose values may be encrypted, opened where the key is here (see ``frames.batches``)."""
    return (f"iif(substr({column}, 1, 4) = 'tl1.', coalesce(opened({column}, {', '.join(place)}), {column}), "
            f"{column})")


_VERSION = (
    Column("key", "key", "version", "job key of the handler", core=True),
    Column("handler_version", "version", "version", "version of the handler, a hash", core=True),
    Column("kind", "kind", "version", "cell, function, class, shell or notebook"),
    Column("notebook", "notebook", "version", "notebook that the handler came from"),
    Column("git_commit", "git_commit", "version", "commit of the folder that it came from"),
)

_RETRY_DELAY = ("CAST(1e6 * CASE WHEN options = '{}' THEN 2.0 ELSE coalesce("
                "json_extract(options, '$.retry.delays[0]'), json_extract(options, '$.retry.delay'), 2.0) END "
                "AS INTEGER)")
_DUE = ("CASE WHEN options = '{}' THEN created_at ELSE max(created_at, coalesce("
        "CAST(1e6 * json_extract(options, '$.at') AS INTEGER), "
        "created_at + CAST(1e6 * json_extract(options, '$.delay') AS INTEGER), created_at)) END")

_PAYLOAD = ("iif(substr(payload, 1, 4) = 'tl1.' OR instr(payload, '$secret'), "
            "coalesce(opened_payload(payload, uuid), payload), payload)")
_ERROR = _opened("error", "'job'", "'error'", "uuid")

JOBS: tuple[Column, ...] = (
    Column("id", "id", "int", "number of the job, in the order of enqueueing", core=True),
    *_VERSION,
    Column("queue", "queue", "category", "queue that it waits in", core=True),
    Column("status", "state", "category", "where it stands", core=True),
    Column("priority", "priority", "int", "higher runs first", core=True),
    Column("attempts", "attempt", "int", "attempts used up", core=True),
    Column("max_attempts", "max_attempts", "int", "attempts at most", core=True),
    Column("created_at", "created_at", "time", "enqueued", core=True),
    Column("scheduled_at", "run_at", "time", "due: at first, or after the last failure", core=True),
    Column("started_at", "started_at", "time", "the last attempt began", core=True),
    Column("finished_at", "finished_at", "time", "became final", core=True),
    Column("wait", "iif(started_at >= run_at, started_at - max(created_at, run_at), NULL)", "span",
           "from due to the start of the last attempt: waiting for a free runner", core=True),
    Column("run", "finished_at - started_at", "span", "the last attempt of a final job", core=True),
    Column("turnaround", "finished_at - created_at", "span", "from enqueued to final, all attempts and waits",
           core=True),
    Column("error", _ERROR, "text", "last error in one line", core=True),
    Column("due_at", _DUE, "time", "first due: enqueued, or later where delay or at said so"),
    Column("uuid", "uuid", "text", "its name for ever"),
    Column("payload", _PAYLOAD, "text", "payload as JSON; secret fields as dots"),
    Column("options", "options", "text", "options that differ from the usual, as JSON"),
    Column("description", "description", "text", "sentence given with the job"),
    Column("tags", "tags", "words", "tags, as a tuple"),
    Column("worker", "worker", "category", "worker that runs it now"),
    Column("crash_count", "crash_count", "int", "attempts whose process or worker died"),
    Column("expires_at", "expires_at", "time", "deadline for its start"),
    Column("cancel_requested_at", "cancel_requested_at", "time", "somebody asked for its end"),
    Column("updated_at", "updated_at", "time", "last change"),
    # The words of other job libraries, for those who know them.
    Column("job_key", "key", "version", "= key"),
    Column("identifier", "key", "version", "= key"),
    Column("parameters", _PAYLOAD, "text", "= payload"),
    Column("retry_count", "max(attempt - 1, 0)", "int", "attempts after the first"),
    Column("max_retries", "max_attempts - 1", "int", "attempts after the first, at most"),
    Column("retry_delay", _RETRY_DELAY, "span", "first wait of the retry policy"),
    Column("last_attempt_at", "started_at", "time", "= started_at"),
    Column("executed_at", "started_at", "time", "= started_at"),
    Column("last_error", _ERROR, "text", "= error"),
    Column("error_message", _ERROR, "text", "= error"),
    Column("completed_at", "iif(state = 'completed', finished_at, NULL)", "time", "finished_at if completed"),
    Column("failed_at", "iif(state = 'failed', finished_at, NULL)", "time", "finished_at if failed"),
)

ATTEMPTS: tuple[Column, ...] = (
    Column("job_id", "job_id", "int", "number of the job", core=True),
    Column("epoch", "epoch", "int", "number of the execution, never repeated in a job", core=True),
    Column("attempt", "attempt", "int", "number of the attempt; given back by snoozes and crashes", core=True),
    *_VERSION,
    Column("queue", "queue", "category", "queue of the job", core=True),
    Column("worker", "worker", "category", "worker that ran it", core=True),
    Column("started_at", "started_at", "time", "began", core=True),
    Column("finished_at", "finished_at", "time", "ended", core=True),
    Column("run", "finished_at - started_at", "span", "how long it ran", core=True),
    Column("outcome", "coalesce(outcome, 'running')", "category",
           "running, succeeded, failed, timed_out, cancelled, snoozed, crashed, lost or interrupted",
           core=True),
    Column("error_type", "error_type", "category", "class of the error", core=True),
    Column("error", _opened("error", "'attempt'", "'error'", "uuid", "epoch"), "text", "error in one line",
           core=True),
    Column("cpu", "cpu_us", "span", "CPU time, user and system", core=True),
    Column("peak_bytes", "peak_bytes", "int?", "most memory at once", core=True),
    Column("exit_code", "exit_code", "int?", "exit code of its process"),
    Column("signal", "signal", "int?", "signal that ended its process"),
    Column("pid", "pid", "int?", "its process"),
    Column("traceback", _opened("traceback", "'attempt'", "'traceback'", "uuid", "epoch"), "text",
           "traceback as plain text"),
    Column("tags", "tags", "words", "tags of the job, as a tuple"),
    Column("max_attempts", "max_attempts", "int", "attempts that the job may use"),
    Column("status", "state", "category", "where the job stands now"),
    Column("enqueued_at", "created_at", "time", "the job was enqueued"),
)

EVENTS: tuple[Column, ...] = (
    Column("id", "id", "int", "number of the event, in the order in which they happened", core=True),
    Column("job_id", "job_id", "int", "number of the job", core=True),
    Column("epoch", "epoch", "int", "execution that it belongs to; 0 before the first", core=True),
    *_VERSION,
    Column("event", "kind", "category", "what happened: started, succeeded, retrying, rescued …", core=True),
    Column("at", "at", "time", "when", core=True),
    Column("detail", _opened("detail", "'event'", "uuid", "epoch", "kind"), "text", "more of it, as JSON",
           core=True),
    Column("queue", "queue", "category", "queue of the job"),
)

_BODY = ("iif(substr(body, 1, 4) = 'tl1.', coalesce(opened(body, 'output', uuid, epoch, seq), "
         "'{\"k\": \"encrypted\"}'), body)")
"""Rows of output that cannot be opened here are counted."""

OUTPUTS: tuple[Column, ...] = (
    Column("job_id", "job_id", "int", "number of the job", core=True),
    Column("epoch", "epoch", "int", "execution that wrote it", core=True),
    Column("seq", "seq", "int", "place among the outputs of that execution", core=True),
    *_VERSION,
    Column("at", "at", "time", "when", core=True),
    Column("output", f"json_extract({_BODY}, '$.k')", "category", "stream, display_data, error …", core=True),
    Column("name", f"json_extract({_BODY}, '$.name')", "category", "stdout or stderr", core=True),
    Column("size", "length(CAST(body AS BLOB))", "int", "bytes as stored", core=True),
    Column("text", f"json_extract({_BODY}, '$.text')", "text", "text of a stream"),
    Column("body", _opened("body", "'output'", "uuid", "epoch", "seq"), "text", "the whole output, as JSON"),
)

TABLES: dict[str, tuple[Column, ...]] = {
    "jobs": JOBS, "attempts": ATTEMPTS, "events": EVENTS, "outputs": OUTPUTS}


def described(name: str) -> str:
    """The columns of a frame as lines for a docstring: name, dtype, meaning; core ones with a star."""
    return "\n".join(
        f"{'*' if column.core else ' '} {column.name:<20} {DTYPES[column.type]:<20} {column.meaning}"
        for column in TABLES[name])
