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
from types import ModuleType
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
