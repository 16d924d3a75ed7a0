"""A program or a script as a job: its output, its exit code, the options of any job."""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from tether_lab.errors import BadRequest
from tether_lab.job.options import read_options

from .cells import CellRequest, submit_cell

if TYPE_CHECKING:
    from .job import Job
    from .lab import Lab


def enqueue_command(lab: Lab, command: str | Sequence[str], key: str | None,
                    given: Mapping[str, Any]) -> Job:
    """Enqueue a command: a list of arguments (passed as they are), or a text for the shell.

    It runs in the folder of this process. Without a key the job is listed as the program's name
    with a hash of the whole command.
    """
    if isinstance(command, str):
        source = command
    else:
        words = [str(word) for word in command]
        if any("\0" in word for word in words):
            raise BadRequest("an argument of the command holds a NUL character", where="command")
        source = json.dumps(words)
    if not source.strip() or source == "[]":
        raise BadRequest("the command is empty", where="command",
                         remedy="Give a program and its arguments: ['python', 'train.py'].")
    request = CellRequest(source=source, transformed="", namespace={}, kind="shell",
                          key=key or _name(command, source), options=read_options(given))
    job, _, _ = submit_cell(lab, request)
    assert job is not None, "only register_only gives none"
    return job


def _name(command: str | Sequence[str], source: str) -> str:
    try:
        first = shlex.split(command)[0] if isinstance(command, str) else str(command[0])
    except (ValueError, IndexError):
        first = "sh"
    name = "".join(c for c in PurePath(first).name if c.isalnum() or c in "._-").strip(".-")[:60]
    return f"{name or 'sh'}-{hashlib.blake2b(source.encode(), digest_size=3).hexdigest()}"
