"""Reads the command line and runs one command; turns errors into lines and exit codes."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence

from tether_lab.errors import BadRequest, TetherLabError, WaitTimeout
from tether_lab.settings import SettingsError

from .parsing import parser

TROUBLE, ASKED_WRONGLY, IN_VAIN, INTERRUPTED, NOBODY_READS = 1, 2, 124, 130, 141


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Returns its exit code; only argparse's own ``--help`` raises SystemExit."""
    given = parser().parse_args(arguments)
    try:
        code = given.run(given)
        sys.stdout.flush()
        return int(code or 0)
    except (TetherLabError, SettingsError) as error:
        return _told(error)
    except KeyboardInterrupt:
        sys.stderr.write("\n")
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has left (| head): leave quietly, and let the exit not write again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return NOBODY_READS


def _told(error: TetherLabError | SettingsError) -> int:
    from .terminal import printable

    sys.stdout.flush()
    sys.stderr.write(printable(f"tether-lab: {error.message}") + "\n")
    if error.remedy:
        sys.stderr.write(printable(f"  {_in_terminal(error.remedy)}") + "\n")
    match error:
        case WaitTimeout():
            return IN_VAIN
        case BadRequest() | SettingsError():
            return ASKED_WRONGLY
        case _:
            return TROUBLE


def _in_terminal(remedy: str) -> str:
    """A remedy with the commands of a terminal for the verbs of Python."""
    for verb, command in (("lab.jobs()", "tether-lab jobs"), ("lab.worker.start()", "tether-lab worker start"),
                          ("lab.chains()", "tether-lab chain"), ("lab.batches()", "tether-lab batch"),
                          ("job.follow()", "tether-lab job ID follow"),
                          ("job.show() has", "tether-lab job ID output has")):
        remedy = remedy.replace(verb, command)
    return re.sub(r"lab\.(retry|cancel)\((\d+)\)", r"tether-lab job \2 \1", remedy)
