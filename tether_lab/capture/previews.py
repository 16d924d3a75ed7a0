"""The text form of any value: bounded, and never in the way of the value itself."""

from __future__ import annotations

import reprlib
import threading
from typing import Any

LONGEST = 2000                     # characters
_PATIENCE = 1.0                    # seconds for a repr that somebody wrote
_QUICK = frozenset({"numpy", "pandas", "decimal", "datetime", "pathlib", "fractions", "uuid"})
_BUILTIN = (bool, int, float, complex, str, bytes, bytearray, type(None), list, tuple, dict, set,
            frozenset)


class _Bounded(reprlib.Repr):
    def __init__(self) -> None:
        super().__init__()
        self.maxlevel, self.maxlist, self.maxtuple, self.maxdict = 4, 50, 50, 50
        self.maxset = self.maxfrozenset = 50
        self.maxstring, self.maxother, self.maxlong = 1000, 1000, 200

    def repr_instance(self, x: Any, level: int) -> str:  # noqa: ARG002 - reprlib's signature
        return _timed(x)


def preview(value: Any, longest: int = LONGEST) -> str:
    """What ``repr`` says, cut at ``longest`` characters. A repr that raises or takes longer than a
    second is replaced by a sentence."""
    try:
        text = _plain(value) or _Bounded().repr(value) if type(value) in _BUILTIN else _timed(value)
    except Exception as error:  # noqa: BLE001 - user code
        text = _unshown(value, f"repr raised {type(error).__name__}")
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _plain(value: Any) -> str:
    """The same of what most jobs give back: a number, a short text. Empty for anything else."""
    kind = type(value)
    if kind is float or kind is bool or (kind is int and value.bit_length() < 640) or (
            kind is str and len(value) < 90):
        return repr(value)
    return ""


def _timed(value: Any) -> str:
    """``repr(value)`` in this thread where it is known to be quick, else in one that is left
    behind when it takes too long (the process of a job ends soon after)."""
    kind = type(value)
    plain: Any = object.__repr__
    if kind in _BUILTIN or kind.__repr__ is plain or kind.__module__.partition(".")[0] in _QUICK:
        return _cut(repr(value))
    found: list[str] = []

    def show() -> None:
        try:
            found.append(_cut(repr(value)))
        except BaseException as error:  # noqa: BLE001 - user code
            found.append(_unshown(value, f"repr raised {type(error).__name__}"))

    thread = threading.Thread(target=show, name="tether-lab preview", daemon=True)
    try:
        thread.start()
    except RuntimeError:                              # no more threads allowed here
        show()
    else:
        thread.join(_PATIENCE)
    return found[0] if found else _unshown(value, f"repr took longer than {_PATIENCE:g} s")


def _cut(text: Any) -> str:
    return str(text)[: LONGEST * 2]


def _unshown(value: Any, why: str) -> str:
    kind = type(value)
    return f"<{kind.__module__}.{kind.__qualname__} object; {why}>"
