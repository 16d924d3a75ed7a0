"""Reads the lines of the magics. Pure but for ``evaluate``, which runs the values in the notebook.

Raises OptionError (one line, with the nearest name) for whatever it does not understand.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from tether_lab.errors import OptionError
from tether_lab.job import JobOptions
from tether_lab.job.options import read_options

from .flags import CELL, LINE, OPTION_NAMES, Flag
from .tokens import Token, cut

_WHOLE_FLAG = re.compile(r"--[a-z][a-z-]*=")
"""Also a flag that was quoted as a whole, as terminals allow it: ``'--window=22:00-06:00 Europe/Madrid'``."""


@dataclass(frozen=True, slots=True)
class JobLine:
    """A line of ``%%job`` or ``%job``: what stands on it, not yet evaluated.

    ``expressions`` maps parameters to Python source; ``options`` the texts of options that were
    given; the rest are the other flags.
    """

    key: str | None = None
    expressions: dict[str, str] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    flags: dict[str, str | bool] = field(default_factory=dict)

    def has(self, name: str) -> bool:
        """Whether the flag was given."""
        return name in self.flags

    def names(self, name: str) -> tuple[str, ...]:
        """The names in a flag such as ``--with a,b``."""
        given = self.flags.get(name, "")
        return tuple(part.strip() for part in str(given).split(",") if part.strip())

    def job_options(self) -> JobOptions:
        """The options as values, checked."""
        return read_options(self.options)


@dataclass(frozen=True, slots=True)
class Words:
    """A line of ``%jobs`` or ``%tether``: words, ``name=text`` pairs, flags."""

    words: tuple[str, ...] = ()
    pairs: dict[str, str] = field(default_factory=dict)
    flags: dict[str, str | bool] = field(default_factory=dict)


def read_cell_line(line: str) -> JobLine:
    """The line of ``%%job``."""
    parsed = job_line(line, CELL)
    if parsed.key is not None and parsed.key.isdigit():
        raise OptionError(f"{parsed.key} would be read as the number of a job",
                          remedy="Use a key with a letter in it.", where="key")
    if "capture" in parsed.flags and parsed.flags["capture"] not in ("auto", "none"):
        raise OptionError(f"--capture is auto or none; got {parsed.flags['capture']!r}", where="capture")
    if parsed.has("register") and (parsed.has("wait") or parsed.has("follow")):
        raise OptionError("--register runs nothing, so there is nothing to wait for",
                          remedy="Leave one of them out.", where="register")
    if parsed.has("register") and parsed.key is None:
        raise OptionError("--register needs a key", remedy="Write %%job KEY --register.", where="register")
    return parsed


def read_line(line: str) -> JobLine:
    """The line of ``%job``."""
    return job_line(line, LINE)


def job_line(line: str, flags: tuple[Flag, ...]) -> JobLine:
    """A key, ``name=value`` pairs whose values are Python, flags."""
    key: str | None = None
    expressions: dict[str, str] = {}
    tokens = cut(line)
    given: dict[str, str | bool] = {}
    at = 0
    while at < len(tokens):
        token = tokens[at]
        if _is_flag(token) or _WHOLE_FLAG.match(token.text):
            at = _flag(tokens, at, flags, given)
            continue
        if token.is_assignment:
            name, _, expression = token.raw.partition("=")
            _parameter(name, expression, expressions)
        elif key is None and not token.raw.startswith("="):
            key = token.text
        else:
            _surprise(tokens, at, key)
        at += 1
    options = {name: value for name, value in given.items() if name in OPTION_NAMES}
    rest = {name: value for name, value in given.items() if name not in OPTION_NAMES}
    return JobLine(key, expressions, options, rest)


def _is_flag(token: Token) -> bool:
    return token.raw.startswith("-") and len(token.raw) > 1 and not token.raw[1].isdigit()


def _parameter(name: str, expression: str, expressions: dict[str, str]) -> None:
    if not expression:
        raise OptionError(f"{name}= has no value", remedy=f"Write {name}=value without spaces.", where=name)
    if name in expressions:
        raise OptionError(f"{name} is given twice", where=name)
    if name in ("ctx", "payload"):
        raise OptionError(f"{name} is what a job calls its own {name}; a parameter needs another name",
                          where=name)
    expressions[name] = expression


def _surprise(tokens: list[Token], at: int, key: str | None) -> None:
    """Refuse the token at ``at``, which is neither key nor value nor flag."""
    token = tokens[at]
    if not token.raw.startswith("=") and at + 1 < len(tokens) and tokens[at + 1].raw.startswith("="):
        at += 1
    if tokens[at].raw.startswith("="):
        name = tokens[at - 1].text if at else "name"
        raise OptionError(f"a value stands apart from its name at {tokens[at].raw!r}",
                          remedy=f"Write {name}=value without spaces.")
    raise OptionError(f"{token.text!r} comes after the key {key!r}; a line has one key",
                      remedy=f"Values are written name={token.text}; texts with spaces in quotes.")


def _flag(tokens: list[Token], at: int, flags: tuple[Flag, ...], given: dict[str, str | bool]) -> int:
    """Read the flag at ``at`` into ``given``; where the next token stands."""
    name, equals, value = tokens[at].text.partition("=")
    flag = _find(name, flags)
    at += 1
    if not flag.takes:
        if equals:
            raise OptionError(f"{flag.flag} takes no value; got {value!r}", where=flag.name)
        given[flag.name] = True
        return at
    if not equals:
        if flag.optional:
            given[flag.name] = True
            return at
        if at >= len(tokens) or _is_flag(tokens[at]):
            raise OptionError(f"{flag.flag} needs a value: {flag.usage}", where=flag.name)
        value = tokens[at].text
        at += 1
    before = given.get(flag.name)
    given[flag.name] = f"{before},{value}" if flag.many and before is not None else value
    return at


def _find(name: str, flags: tuple[Flag, ...]) -> Flag:
    for flag in flags:
        if name in (flag.flag, flag.short):
            return flag
    if any(name in (flag.flag, flag.short) for flag in CELL):
        raise OptionError(f"{name} belongs to a cell: put %%job on top of it", where=name)
    plain = name.lstrip("-").replace("-", "_")
    near = get_close_matches(plain, [flag.name for flag in flags], 1, 0.7)
    if near:
        meant = "--" + near[0].replace("_", "-")
        raise OptionError(f"there is no flag {name}; did you mean {meant}?", where=name)
    remedy = f"Parameters are written {plain}=value; --help lists the flags." if plain.isidentifier() else \
        "--help lists the flags."
    raise OptionError(f"there is no flag {name}", remedy=remedy, where=name)


def evaluate(
    expressions: Mapping[str, str], namespace: dict[str, Any], *, what: str = "%%job",
) -> dict[str, Any]:
    """The values of the parameters, evaluated in ``namespace``.

    What a value raises is the typist's mistake: an OptionError that quotes it in one line.
    """
    values: dict[str, Any] = {}
    for name, expression in expressions.items():
        try:
            code = compile(expression.strip(), f"<{what} {name}>", "eval", dont_inherit=True)
            values[name] = eval(code, namespace)  # noqa: S307 — the typist's own notebook
        except SyntaxError as error:
            raise OptionError(f"{name}={expression}: {error.msg}", where=name,
                              remedy="Values are Python; texts are quoted, as in mode='fast'.") from None
        except NameError as error:
            remedy = f"For a text write {name}={expression!r}." if expression.isidentifier() else ""
            raise OptionError(f"{name}={expression}: {error}", remedy=remedy, where=name) from None
        except Exception as error:  # noqa: BLE001 — user code
            raise OptionError(f"{name}={expression}: {type(error).__name__}: {error}", where=name) from None
    return values


def read_words(line: str, flags: tuple[Flag, ...] = ()) -> Words:
    """The line of ``%jobs`` or ``%tether``: everything is text here."""
    tokens = cut(line)
    words: list[str] = []
    pairs: dict[str, str] = {}
    given: dict[str, str | bool] = {}
    at = 0
    while at < len(tokens):
        token = tokens[at]
        if _is_flag(token):
            at = _flag(tokens, at, flags, given)
            continue
        name, equals, value = token.text.partition("=")
        if equals and name.isidentifier():
            pairs[name] = value
        else:
            words.append(token.text)
        at += 1
    return Words(tuple(words), pairs, given)


def nearest(word: str, known: Iterable[str]) -> str:
    """``; did you mean 'failed'?`` or nothing."""
    near = get_close_matches(word.lower(), list(known), 1, 0.6)
    return f"; did you mean {near[0]!r}?" if near else ""


def job_ids(words: Iterable[str]) -> list[int]:
    """Ids in ``12``, ``12,13``, ``12-15``; OptionError for anything else."""
    found: list[int] = []
    for word in words:
        for part in word.replace("#", "").split(","):
            first, dash, last = part.partition("-")
            if not (first.isdecimal() and (not dash or last.isdecimal())):
                raise OptionError(f"{part!r} is not the number of a job", remedy="%jobs lists them.")
            stop = int(last) if dash else int(first)
            if stop - int(first) >= 10_000:
                raise OptionError(f"{part} is more than 10,000 jobs", remedy="Name them by key= or tag=.")
            found += range(int(first), stop + 1)
    return list(dict.fromkeys(found))
