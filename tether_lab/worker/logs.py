"""The worker's log: a line an event, five files of 2 MB, never a payload."""

from __future__ import annotations

import os
import re
import sys
import time
from pathlib import Path

_URL = re.compile(r"(\b[a-z][a-z0-9+.-]*://)[^/\s:@]*:[^/\s@]+@", re.IGNORECASE)
_NAMED = re.compile(r"((?:authorization|token|passw(?:or)?d|secret|api[_-]?key|access[_-]?key)[\"']?\s*[=:]\s*"
                    r"(?:bearer |basic |token )?[\"']?)[^\s\"',;&]{4,}", re.IGNORECASE)
_SHAPED = re.compile(r"\b(AKIA[0-9A-Z]{16}|gh[pousr]_\w{20,}|github_pat_\w{20,}|hf_\w{20,}|"
                     r"xox[abprs]-[\w-]{10,}|"
                     r"eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]{5,})")
LARGEST = 2_000_000
FILES = 5


def redacted(text: str) -> str:
    """The text without what looks like a secret: passwords in addresses, values named token, password or
    key, and the shapes of well-known tokens; and without control characters, which a terminal would obey."""
    text = _SHAPED.sub("•••", _NAMED.sub(r"\1•••", _URL.sub(r"\1•••@", text)))
    return "".join(c if c >= " " or c in "\n\t" else "?" for c in text)


class Log:
    """Writes to standard error. If that is the log file itself (a worker started by ``spawn``),
    the file is rotated and standard output and error moved to the new one."""

    def __init__(self, path: Path | None) -> None:
        self._path, self._size = path, 0
        if path is not None and path.exists():
            self._size = path.stat().st_size

    def __call__(self, text: str) -> None:
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())
        line = f"{moment}Z [{os.getpid()}] {redacted(text)}".replace("\n", "\n    ") + "\n"
        try:
            sys.stderr.write(line)
            sys.stderr.flush()
        except (OSError, ValueError):
            return                 # a full disk or a closed terminal stops no job
        self._size += len(line)
        if self._path is not None and self._size > LARGEST:
            self._rotate(self._path)

    def _rotate(self, path: Path) -> None:
        for number in range(FILES - 1, 0, -1):
            older = path.with_name(f"{path.name}.{number}")
            newer = path if number == 1 else path.with_name(f"{path.name}.{number - 1}")
            if newer.exists():
                newer.replace(older)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(descriptor, 1)
        os.dup2(descriptor, 2)
        os.close(descriptor)
        self._size = 0
