"""Which part of a variable is it that cannot be pickled? Asked only after a failure.

Python's own pickler, written in Python, is run over the variable once more; the chain of objects
that it was saving when it failed becomes a path: ``model.cache['x'][0]``.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Mapping
from contextlib import suppress
from types import CellType, FunctionType, MethodType
from typing import Any

from .refusals import Reason, Refused

_STEPS = 200_000                   # a variable of millions of parts is named without its path
_Python_Pickler: Any = getattr(pickle, "_Pickler")  # noqa: B009 - private, and typed nowhere


class _TooManySteps(Exception):
    pass


class _PathPickler(_Python_Pickler):  # type: ignore[misc]
    """Remembers what it was saving when it failed."""

    def __init__(self, like: Any) -> None:
        super().__init__(io.BytesIO(), 5, buffer_callback=lambda _: False)
        self.dispatch_table, self._like = like.dispatch_table, like
        self.chain: list[Any] = []
        self.failed: list[Any] = []
        self.arguments: dict[int, Any] = {}           # tuples that only carry parts of an object
        self.states: dict[int, Any] = {}              # dicts that hold an object's attributes
        self._steps = 0

    def reducer_override(self, obj: Any) -> Any:
        return self._like.reducer_override(obj)

    def save(self, obj: Any, save_persistent_id: bool = True) -> None:
        self._steps += 1
        if self._steps > _STEPS:
            raise _TooManySteps
        self.chain.append(obj)
        try:
            super().save(obj, save_persistent_id)
        except BaseException:
            self.failed = self.failed or list(self.chain)
            raise
        finally:
            self.chain.pop()

    def save_reduce(self, func: Any, args: Any, state: Any = None, *rest: Any, **named: Any) -> None:
        self.arguments[id(args)] = args
        if isinstance(state, tuple) and len(state) == 2:
            self.arguments[id(state)] = state
            self.states.update((id(part), part) for part in state if isinstance(part, dict))
        elif isinstance(state, dict):
            self.states[id(state)] = state
        super().save_reduce(func, args, state, *rest, **named)


def explain(name: str, value: Any, error: BaseException, like: Any) -> tuple[str, str]:
    """What cannot travel, as ``(sentence, remedy)``: the sentence goes on after the variable's name.

    ``like`` is a pickler that reduces as the one that failed did.
    """
    if isinstance(error, RecursionError):
        return ("is nested too deeply for pickle",
                "flatten it, or build it inside the cell")
    finder = _PathPickler(like)
    culprit, path = value, name
    try:
        finder.dump(value)
    except (RecursionError, _TooManySteps):
        pass
    except BaseException as found:  # noqa: BLE001 - whatever a user's __reduce__ raises
        error = found
        path, culprit = _path(name, finder), finder.failed[-1]
    kind = type(culprit)
    type_name = f"{kind.__module__}.{kind.__qualname__}"
    reason = error.reason if isinstance(error, Refused) else _words(error)
    where = "is" if path == name else f"holds {path},"
    return f"{where} a {type_name}: {reason.what}", reason.remedy


def _words(error: BaseException) -> Reason:
    text = str(error).strip().splitlines()
    return Reason(f"{type(error).__name__}: {text[0]}" if text else type(error).__name__,
                  "create it inside the cell")


def _path(name: str, finder: _PathPickler) -> str:
    path = name
    for parent, child in zip(finder.failed, finder.failed[1:], strict=False):
        with suppress(Exception):                     # comparing keys may run anybody's code
            path += _step(parent, child, finder)
    return path


def _step(parent: Any, child: Any, finder: _PathPickler) -> str:
    if id(parent) in finder.states:
        return _attribute(parent, child)
    if isinstance(parent, tuple) and id(parent) in finder.arguments:
        return ""
    if isinstance(parent, Mapping):
        return _item(parent, child)
    if isinstance(parent, tuple) and any(isinstance(part, CellType) for part in parent):
        return ""                                     # the closure of a function: see CellType
    if isinstance(parent, list | tuple):
        at = next((i for i, part in enumerate(parent) if part is child), None)
        return "" if at is None else f"[{at}]"
    if isinstance(parent, set | frozenset):
        return "{…}"
    if isinstance(parent, CellType):
        return _closure(parent, finder)
    if isinstance(parent, MethodType) and parent.__self__ is child:
        return ".__self__"
    if isinstance(child, dict) or id(child) in finder.arguments:
        return ""
    attributes = getattr(parent, "__dict__", {})
    return next((f".{key}" for key, part in attributes.items() if part is child), "")


def _attribute(state: dict[Any, Any], child: Any) -> str:
    key = next((key for key, part in state.items() if part is child), None)
    if key is None or key in {"__closure__", "__globals__"}:
        return ""
    return f".{key}"


def _item(parent: Mapping[Any, Any], child: Any) -> str:
    for key, part in parent.items():
        if part is child:
            return f"[{_short(key)}]"
        if key is child:
            return f" (the key {_short(key)})"
    return ""


def _short(key: Any) -> str:
    text = repr(key)
    return text if len(text) <= 60 else text[:57] + "…"


def _closure(cell: CellType, finder: _PathPickler) -> str:
    for holder in reversed(finder.failed):
        if isinstance(holder, FunctionType):
            for name, own in zip(holder.__code__.co_freevars, holder.__closure__ or (), strict=False):
                if own is cell:
                    return f"→{name}"
    return ""
