"""Texts that were stored, read again. What a disk or a person changed in one is an error of ours, by name: it
concerns one row, and ends nobody who reads it."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from tether_lab.errors import BadSignature, TetherLabError

P = ParamSpec("P")
R = TypeVar("R")
_WRONG = (ValueError, TypeError, LookupError, AttributeError, RecursionError)


def stored(what: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Of a function that reads what is stored: it raises BadSignature for what it cannot read."""
    def around(read: Callable[P, R]) -> Callable[P, R]:
        @wraps(read)
        def reading(*given: P.args, **named: P.kwargs) -> R:
            try:
                return read(*given, **named)
            except TetherLabError:
                raise
            except _WRONG as error:
                raise BadSignature(f"{what} cannot be read ({error}): it was changed since it was stored",
                                   remedy="Register the handler again, and enqueue anew.") from error
        return reading
    return around
