"""What streams refer to by name: how special objects come back. Names here are a format: streams
in the database hold them, so none is ever renamed or removed.

``namespace``, ``known_class`` and ``main_class`` mean "of this load": the Unpickler in ``loading``
puts its own in their place. The versions here serve plain ``pickle.loads`` in a process of its own.
"""

from __future__ import annotations

import functools
import pickle
import sys
from collections.abc import Callable
from types import CellType, ModuleType, new_class, resolve_bases
from typing import Any


def namespace() -> dict[str, Any]:
    """The namespace that loaded functions get as ``__globals__``: the job's, itself."""
    return sys.modules["__main__"].__dict__


class Namespace:
    """Stands for the namespace in the stream."""

    def __reduce__(self) -> tuple[Callable[[], dict[str, Any]], tuple[()]]:
        return namespace, ()


def find_class(scope: dict[str, Any], qualified: str) -> type | None:
    """The class of this qualified name in a namespace, if there is one."""
    first, *rest = qualified.split(".")
    found = scope.get(first)
    for part in rest:
        found = getattr(found, part, None)
    return found if isinstance(found, type) else None


def known_class(name: str, stream: bytes) -> type:
    """The notebook's class of this name as it is now; by value only where there is none."""
    found = find_class(namespace(), name)
    return found if found is not None else pickle.loads(stream)


class Cell:
    """Stands for a closure's variable: the same in all functions that share it. The function's
    state fills it."""

    def __init__(self, cell: CellType) -> None:
        self._cell = cell                             # kept alive, so that its id stays its own

    def __reduce__(self) -> tuple[Callable[[], CellType], tuple[()]]:
        return empty_cell, ()


def empty_cell() -> CellType:
    """A variable of a closure, without a value yet."""
    return CellType()


class _Quiet:
    """A first base whose only purpose is that ``__init_subclass__`` of the others is not run. It is
    taken away again, for which its instances must be laid out as those of the others."""

    def __init_subclass__(cls) -> None:
        pass


class _QuietSlots:
    """The same for classes with ``__slots__``."""

    __slots__ = ()

    def __init_subclass__(cls) -> None:
        pass


def make_class(meta: type, name: str, bases: tuple[Any, ...], body: dict[str, Any],
               quietly: bool) -> type:
    """An empty class, to be filled by its state.

    ``quietly``: without running the metaclass and ``__init_subclass__`` of the notebook once more;
    what they did when the class was made is part of the state, or of variables that travel too.
    """
    body = dict(body)
    if not quietly:
        return new_class(name, bases, {"metaclass": meta}, lambda scope: scope.update(body))
    resolved = resolve_bases(bases)
    if resolved is not bases:
        body["__orig_bases__"] = bases
    maker: Any = next(kind for kind in meta.__mro__ if kind.__module__ != "__main__")
    for quiet in (_Quiet, _QuietSlots):
        try:
            made: type = maker.__new__(meta, name, (quiet, *resolved), dict(body))
            made.__bases__ = tuple(resolved)
        except TypeError:                             # another layout
            continue
        return made
    last: type = maker.__new__(meta, name, tuple(resolved), dict(body))
    return last


def cached(function: Callable[..., Any], parameters: dict[str, Any]) -> Callable[..., Any]:
    """A function under ``lru_cache``, with an empty cache."""
    wrapped: Callable[..., Any] = functools.lru_cache(**parameters)(function)
    return wrapped


def single_dispatch(default: Callable[..., Any], registry: list[tuple[type, Any]]) -> Any:
    """A ``singledispatch`` function with its registry."""
    function = functools.singledispatch(default)
    for kind, implementation in registry:
        if kind is not object:
            function.register(kind, implementation)
    return function


def view(mapping: dict[Any, Any], which: str) -> Any:
    """``keys``, ``values`` or ``items`` of a dict."""
    return getattr(mapping, which)()


def type_alias(name: str, value: Any, parameters: tuple[Any, ...]) -> Any:
    """``type Row = dict[str, int]`` (Python 3.12)."""
    import typing

    return typing.TypeAliasType(name, value, type_params=parameters)  # type: ignore[attr-defined]


def shell() -> Any:
    """The shell of the process: what ``ip = get_ipython()`` means there, or None."""
    interactive = sys.modules.get("IPython")
    return None if interactive is None else interactive.get_ipython()


def standard_stream(name: str) -> Any:
    """``sys.stdout`` of the process."""
    return getattr(sys, name)


def module(name: str) -> ModuleType:
    """A module by name, imported."""
    import importlib

    return importlib.import_module(name)


def unchanged(value: Any) -> Any:
    """The value itself: memory-mapped arrays come back as ordinary ones."""
    return value
