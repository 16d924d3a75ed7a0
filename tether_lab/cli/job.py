"""``tether-lab job ID [verb]``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tether_lab.job import JobRow, State
from tether_lab.lab.clock import now

from .labs import open_lab
from .parsing import Arguments
from .terminal import (
    job_json,
    moment,
    printable,
    say,
    show_body,
    show_json,
    show_table,
    write_output,
)

if TYPE_CHECKING:
    from tether_lab.lab import Job


def run(given: Arguments) -> int:
    """Do one thing with one job."""
    job = open_lab(given).get(given.id)
    match given.verb:
        case "show":
            return _show(given, job)
        case "output":
            return _output(given, job)
        case "follow":
            return watch(job)
        case "wait":
            job.wait(given.timeout)
            _line(given, job.row)
            return exit_code(job)
        case "cancel":
            before = job.status
            job.cancel(force=given.force)
            say(f"Job {job.id} is {'asked to stop' if before is State.RUNNING else job.status}.")
        case "retry":
            _line(given, job.retry(with_code=given.with_code, fresh_seed=given.fresh_seed).row)
        case "result":
            return _result(given, job)
        case "debug":
            value = job.debug(start=given.start)
            if value is not None:
                say(repr(value))
        case "stack":
            write_output(job.stack())
        case "events":
            _events(given, job)
    return 0


def _show(given: Arguments, job: Job) -> int:
    from tether_lab.views.board import card
    from tether_lab.views.text import draw_card

    if given.json:
        row = job.row
        attempts = [{"attempt": a.attempt, "outcome": a.outcome, "error": a.error,
                     "started_at": moment(a.started_at), "finished_at": moment(a.finished_at),
                     "cpu_seconds": a.usage.cpu_seconds, "peak_bytes": a.usage.peak_bytes,
                     "exit_code": a.usage.exit_code, "signal": a.usage.signal} for a in job.attempts]
        show_json({**job_json(row), "attempt_history": attempts})
        return 0
    say(in_terminal(draw_card(card(job.snapshot()), full=True), job.id))
    return 0


def in_terminal(text: str, job_id: int) -> str:
    """A card's hints as commands of a terminal."""
    for verb in ("show", "output", "follow", "cancel", "retry", "events", "stack", "wait"):
        text = text.replace(f"%jobs {verb} {job_id}", f"tether-lab job {job_id} {verb}")
    return text.replace(f"; %job {job_id}", "").replace("%tether start", "tether-lab worker start")


def _output(given: Arguments, job: Job) -> int:
    if given.json:
        show_json(job.outputs)
        return 0
    for output in job.outputs:
        show_body({**output, "k": output["output_type"]})
    return 0


def _result(given: Arguments, job: Job) -> int:
    value = job.result(given.timeout)
    if given.json:
        show_json(value)
    elif value is not None:
        write_output((value if isinstance(value, str) else repr(value)) + "\n")
    return 0


def _events(given: Arguments, job: Job) -> None:
    from tether_lab.views.tables import events_table

    if given.json:
        show_json([{"kind": e.kind, "at": moment(e.at), "detail": e.detail} for e in job.events])
    else:
        show_table(events_table(job.id, job.events, now()))


def _line(given: Arguments, row: JobRow) -> None:
    if given.json:
        show_json(job_json(row))
    else:
        error = f": {printable(row.error)}" if row.error and row.state is not State.COMPLETED else ""
        say(f"Job {row.id} ({row.key}) is {row.state}{error}.")


def watch(job: Job) -> int:
    """Show a job's output as it comes; the exit code that it ended with. An interrupt stops the
    watching, not the job."""
    from tether_lab.lab.follow import news

    try:
        for body in news(job.lab, job.id):
            show_body(body)
    except KeyboardInterrupt:
        write_output(f"\nStopped watching; job {job.id} goes on: tether-lab job {job.id} follow\n", error=True)
        return 130
    row = job.row
    if row.state is not State.COMPLETED:
        write_output(printable(f"tether-lab: job {job.id} ({row.key}) {row.state}: "
                               f"{row.error or 'no reason given'}") + "\n", error=True)
    return exit_code(job)


def exit_code(job: Job) -> int:
    """0 for a completed job; a command's own exit code, 128 + signal for one that a signal ended;
    130 for a cancelled job, else 1."""
    row = job.row
    match row.state:
        case State.COMPLETED:
            return 0
        case State.CANCELLED:
            return 130
    if row.kind == "shell":
        return _code_in(row.error or "")
    return 1


def _code_in(error: str) -> int:
    """From the words of the runner: ``exit code 7``, ``ended by SIGTERM``."""
    import re
    import signal

    if found := re.search(r"exit code (\d+)", error):
        return int(found[1]) or 1
    if found := re.search(r"ended by (SIG\w+)", error):
        return 128 + getattr(signal, found[1], 0)
    return 127 if "CommandNotFound" in error else 1


def parse_value(text: str) -> object:
    """JSON where it is JSON, else the text itself."""
    try:
        return json.loads(text)
    except ValueError:
        return text
