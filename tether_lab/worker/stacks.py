"""Where is it now: the Python stack of a running job, asked for by a datagram.

``stack ID TOKEN`` makes its process dump its threads (SIGUSR1, faulthandler, also while C code holds
the interpreter lock); the text goes to ``run/stack-TOKEN``, readable by this user alone.
"""

from __future__ import annotations

import contextlib
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGUSR1

from .process import Process

QUIET = 0.03
LONGEST = 2.0
_REQUEST = re.compile(rb"stack (\d{1,18}) ([0-9a-f]{8,32})")


def parse(datagram: bytes) -> tuple[int, str] | None:
    """(job id, token) of a request, or None if it is something else."""
    match = _REQUEST.fullmatch(datagram)
    return None if match is None else (int(match[1]), match[2].decode())


@dataclass(slots=True)
class StackRequest:
    """One dump that is under way. Monotonic seconds."""

    process: Process
    token: str
    asked_at: float
    last_at: float
    text: bytearray = field(default_factory=bytearray)

    @classmethod
    def ask(cls, process: Process, token: str, now: float) -> StackRequest:
        with contextlib.suppress(OSError):
            while os.read(process.stack, 65536):
                pass               # an older dump
        process.signal(SIGUSR1)
        return cls(process, token, now, now)

    def read(self, now: float) -> bool:
        """Read what came; whether the dump is complete (it was quiet for a moment)."""
        with contextlib.suppress(OSError):
            while data := os.read(self.process.stack, 65536):
                self.text += data
                self.last_at = now
        if self.text and now - self.last_at >= QUIET:
            return True
        return now - self.asked_at > LONGEST or self.process.exited is not None

    @property
    def due(self) -> float:
        return self.last_at + QUIET


def reply(run: Path, token: str, text: str) -> None:
    """Write the answer where only the one who asked looks."""
    temporary = run / f".stack-{token}"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    temporary.replace(run / f"stack-{token}")
