"""Commands as jobs: a script for the shell, or a program with its arguments."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from typing import Any

from tether_lab.errors import NoRetry, TetherLabError

from .context import Context

SHELLS = ("/bin/bash", "/bin/sh")
PATIENCE = 2.0


class CommandFailed(TetherLabError):
    """A command ended with an exit code other than 0, or by a signal; ``exit_code`` as subprocess has it."""

    def __init__(self, exit_code: int) -> None:
        self.exit_code = exit_code
        super().__init__(f"exit code {exit_code}" if exit_code >= 0 else f"ended by {_name(-exit_code)}")


class CommandNotFound(NoRetry):
    """There is no such program, or it may not be run."""


def run(source: str, context: Context) -> None:
    """Run a script, or a JSON list of program and arguments. Its output goes to descriptors 1 and 2;
    its environment has TETHER_LAB_JOB_ID, _KEY, _ATTEMPT, _PAYLOAD and each key of the payload."""
    arguments = arguments_of(source, context)
    sys.stdout.flush()
    try:
        child = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, env=os.environ | variables(context))
    except OSError as error:
        raise CommandNotFound(f"{arguments[0]}: {error.strerror}",
                              remedy="Give a program that this machine has, or its full path.") from error
    try:
        code = child.wait()
    except BaseException:
        _end(child)
        raise
    if code != 0:
        raise CommandFailed(code)


def arguments_of(source: str, context: Context) -> list[str]:
    """What to execute for a source. A script with a ``#!`` line is run by what it names."""
    if source.lstrip().startswith("["):
        with suppress(ValueError):
            listed = json.loads(source)
            if isinstance(listed, list) and listed and all(isinstance(a, str) for a in listed):
                return listed
    if source.startswith("#!"):
        script = context.tmp / "script"
        script.write_text(source)
        script.chmod(0o700)
        return [str(script)]
    return [next((shell for shell in SHELLS if os.access(shell, os.X_OK)), "sh"), "-c", source]


def variables(context: Context) -> dict[str, str]:
    """The payload and the job as environment variables."""
    found = {name: _text(value) for name, value in context.payload.items() if name.isidentifier()}
    return found | {
        "TETHER_LAB_JOB_ID": str(context.id), "TETHER_LAB_JOB_KEY": context.key,
        "TETHER_LAB_JOB_ATTEMPT": str(context.attempt),
        "TETHER_LAB_JOB_PAYLOAD": json.dumps(context.payload, default=str)}


def _text(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    return text.replace("\0", "")


def _end(child: subprocess.Popen[bytes]) -> None:
    """Interrupt the command; kill it if it does not go."""
    for number in (signal.SIGINT, signal.SIGKILL):
        with suppress(OSError):
            child.send_signal(number)
        with suppress(subprocess.TimeoutExpired):
            child.wait(PATIENCE)
            return


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
