"""Which line of a job's own code failed, read from its traceback. Pure; no guess: None if unsure."""

from __future__ import annotations

import re

from .fold import plain

_CELL = re.compile(r"^-+> (\d+) (.*)$")
_FILE = re.compile(r'^  File ".*", line \d+')


def failing_line(traceback: str | None, source: str) -> int | None:
    """The innermost line of ``source`` (from 1) that the traceback names. A line counts only if the
    traceback shows the same text, once, so that a line of another cell or module is never pointed at."""
    lines = [line.strip() for line in source.splitlines()]
    shown = plain(traceback or "").splitlines()
    for index in range(len(shown) - 1, -1, -1):
        if match := _CELL.match(shown[index]):
            number = int(match[1])
            if number <= len(lines) and lines[number - 1] == match[2].strip() != "":
                return number
        elif _FILE.match(shown[index]) and index + 1 < len(shown):
            text = shown[index + 1].strip()
            if text and lines.count(text) == 1:
                return lines.index(text) + 1
    return None
