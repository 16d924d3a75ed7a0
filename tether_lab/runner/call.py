"""Functions and classes as jobs."""

from __future__ import annotations

import builtins
import inspect
import sys
import types
import typing
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tether_lab.job.hooks import is_internal

from . import binding
from .context import Context

if TYPE_CHECKING:
    from .extras import Extras

HANDLER = "__handler__"
MOST_KEPT = 64


@dataclass(frozen=True, slots=True)
class Handler:
    """A loaded handler and the module that its functions live in. A class, or a factory of objects
    with ``execute``, gives a fresh instance to each attempt."""

    target: Any
    module: types.ModuleType
    signature: binding.Signature | None

    def run(self, key: str, context: Context, extras: Extras | None = None) -> Any:
        """Call it with what it asks for; an async one on a loop of its own. Its return value."""
        function, signature = self.target, self.signature
        if signature is None:
            function = self.target().execute
            signature = binding.signature(function)
        if extras is None and not (signature.given or context.shared):
            value = function(**signature.values(key, context.payload))
            return _awaited(value) if inspect.iscoroutine(value) else value
        wanted = {p.name for p in signature.parameters} & extras.resources if extras is not None else ()
        resources = {name: extras.resource(name) for name in wanted} if extras is not None else {}
        arguments = signature.arguments(key, context.payload, {
            "ctx": lambda: context, "payload": lambda: context.payload, "db": lambda: context.db},
            shared=context.shared, resources=resources)
        value = function(**arguments)
        return _awaited(value) if inspect.iscoroutine(value) else value


class Handlers:
    """The handlers that a warm process has loaded, the latest ones."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, str], Handler] = OrderedDict()

    def known(self, key: str, version: str) -> Handler | None:
        handler = self._kept.get((key, version))
        if handler is not None:
            self._kept.move_to_end((key, version))
        return handler

    def namespace(self) -> dict[str, Any]:
        """A fresh ``__main__`` for a handler's functions to share."""
        module = types.ModuleType("__main__")
        module.__dict__["__builtins__"] = builtins
        sys.modules["__main__"] = module
        return module.__dict__

    def learn(self, key: str, version: str, namespace: dict[str, Any]) -> Handler:
        """The handler that the captures put into ``namespace``."""
        target = namespace.pop(HANDLER)
        plain = needs_instance(target) or is_internal(key)
        handler = Handler(target, sys.modules["__main__"], None if plain else binding.signature(target))
        self._kept[key, version] = handler
        if len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)
        return handler


def job_class(target: Any) -> type | None:
    """The class with ``execute`` whose objects run the job, or None for a plain function.

    ``target`` is that class, or a factory without parameters annotated to return one that names a
    ``key`` or an ``identifier``.
    """
    if isinstance(target, type):
        return target if hasattr(target, "execute") else None
    try:
        made = typing.get_type_hints(target).get("return")
        parameters = inspect.signature(target).parameters
    except Exception:  # noqa: BLE001  user code: annotations that do not evaluate
        return None
    if parameters or not isinstance(made, type) or not hasattr(made, "execute"):
        return None
    return made if hasattr(made, "key") or hasattr(made, "identifier") else None


def needs_instance(target: Any) -> bool:
    """Whether each attempt calls ``target`` for an object, and that object's ``execute``."""
    return job_class(target) is not None


def _awaited(coroutine: Any) -> Any:
    import asyncio

    runner: Callable[[Any], Any]
    with asyncio.Runner() as loop:
        runner = loop.run
        return runner(coroutine)
