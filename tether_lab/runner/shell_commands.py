"""``!command`` in a job: a terminal for its output, as in a kernel, and no keyboard."""

from __future__ import annotations

import codecs
import fcntl
import os
import pty
import signal
import struct
import subprocess
import termios
from contextlib import suppress
from typing import TextIO

ROWS, COLUMNS = 24, 80
PATIENCE = 2.0


def run(command: str, to: TextIO) -> int:
    """Run a command with the user's shell, its output written to ``to`` as it comes. The exit code;
    minus the signal's number if a signal ended it. An interrupt ends the command, and goes on."""
    ours, theirs = pty.openpty()
    try:
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        child = subprocess.Popen(  # noqa: S602  that is what ! means
            command, shell=True,
            executable=os.environ.get("SHELL") or None, stdin=subprocess.DEVNULL, stdout=theirs,
            stderr=theirs, start_new_session=True)
    finally:
        os.close(theirs)
    try:
        _copy(ours, to)
        code = child.wait()
    except BaseException:
        _end(child)
        raise
    finally:
        os.close(ours)
    return code - 256 if code > 256 else 128 - code if code > 128 else code


def _copy(terminal: int, to: TextIO) -> None:
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    while True:
        try:
            data = os.read(terminal, 65536)
        except OSError:               # how Linux says that the other end of a terminal closed
            data = b""
        to.write(decoder.decode(data, final=not data))
        if not data:
            return


def _end(child: subprocess.Popen[bytes]) -> None:
    """Interrupt the command and what it started, kill them if they do not go."""
    for number in (signal.SIGINT, signal.SIGKILL):
        with suppress(OSError):
            os.killpg(child.pid, number)
        with suppress(subprocess.TimeoutExpired):
            child.wait(PATIENCE if number == signal.SIGINT else None)
            return
