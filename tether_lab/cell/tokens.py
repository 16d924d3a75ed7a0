"""Cuts a magic's line into tokens: brackets nest, quotes hold together, ``#`` starts a comment."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tether_lab.errors import OptionError

_PAIRS = {"(": ")", "[": "]", "{": "}"}
_ASSIGNMENT = re.compile(r"[^\W\d]\w*=(?!=)")


@dataclass(frozen=True, slots=True)
class Token:
    """``raw`` as typed; ``text`` with quotes removed as a POSIX shell would; ``start`` in the line."""

    raw: str
    text: str
    start: int

    @property
    def is_assignment(self) -> bool:
        """Whether it reads ``name=…``."""
        return _ASSIGNMENT.match(self.raw) is not None


def cut(line: str) -> list[Token]:
    """The tokens of ``line``. OptionError if a quote or a bracket is never closed."""
    tokens: list[Token] = []
    at = 0
    while at < len(line):
        if line[at].isspace():
            at += 1
        elif line[at] == "#":
            break
        else:
            token = _token(line, at)
            tokens.append(token)
            at += len(token.raw)
    return tokens


def _token(line: str, start: int) -> Token:
    """The token that starts at ``start``. In ``name=…`` quotes are Python's, elsewhere a shell's."""
    python = _ASSIGNMENT.match(line, start) is not None
    open_brackets: list[tuple[str, int]] = []
    said: list[str] = []
    at = start
    while at < len(line):
        character = line[at]
        if character.isspace() and not open_brackets:
            break
        if character in "'\"":
            end = _closing_quote(line, at, escapes=python or character == '"')
            inside = line[at + 1:end]
            said.append(re.sub(r'\\(["\\$`])', r"\1", inside) if character == '"' else inside)
            at = end + 1
            continue
        if character in _PAIRS:
            open_brackets.append((character, at))
        elif open_brackets and character == _PAIRS[open_brackets[-1][0]]:
            open_brackets.pop()
        said.append(character)
        at += 1
    if open_brackets:
        bracket, where = open_brackets[-1]
        raise OptionError(f"the {bracket} in {line[where:][:60]!r} is never closed",
                          remedy=f"Close it with {_PAIRS[bracket]}, or quote the text.")
    return Token(line[start:at], "".join(said), start)


def _closing_quote(line: str, start: int, *, escapes: bool) -> int:
    quote, at = line[start], start + 1
    while at < len(line):
        if escapes and line[at] == "\\":
            at += 2
            continue
        if line[at] == quote:
            return at
        at += 1
    raise OptionError(f"the quote in {line[start:][:60]!r} is never closed",
                      remedy=f"Close it with {quote}.")
