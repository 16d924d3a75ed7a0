"""Picklers on top of cloudpickle: functions share the job's namespace, classes carry no tracker id,
what must not travel is refused.

This module imports cloudpickle; everything that leads here does so inside a function.
"""

from __future__ import annotations

import functools
import gc
import io
import pickle
import sys
import typing
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from types import FunctionType
from typing import Any, Protocol

import cloudpickle
from cloudpickle import cloudpickle as internals

from . import rebuild
from .blobs import LARGE
from .codes import CodeNames, code_names
from .refusals import TooLarge, refuse, why_not

CLOUDPICKLE = str(cloudpickle.__version__)
_CACHED = type(functools.lru_cache(lambda: 0))
_STREAMS = ("stdin", "stdout", "stderr", "__stdin__", "__stdout__", "__stderr__")
_SHELL = ("IPython.core.interactiveshell", "InteractiveShell")
_RANDOM = {("numpy.random._generator", "Generator"), ("numpy.random.mtrand", "RandomState"),
           ("random", "Random"), ("torch._C", "Generator"), ("torch", "Generator")}
_CLASS, _ENUM = internals._make_skeleton_class, internals._make_skeleton_enum  # noqa: SLF001


class Owner(Protocol):
    """Who is told what a pickler meets."""

    def code(self, found: CodeNames) -> None:
        """A function of the notebook travels: these are the names that its code refers to."""

    def defined(self, thing: Any) -> None:
        """A function or class of the notebook travels by value."""

    def refers(self, module: str) -> None:
        """Something of this module travels by name."""

    def array(self, array: Any) -> None:
        """A numpy array travels."""

    def random(self, generator: Any) -> None:
        """A random generator travels with its state."""


class Silent:
    """An owner that does not care."""

    def code(self, found: CodeNames) -> None: ...
    def defined(self, thing: Any) -> None: ...
    def refers(self, module: str) -> None: ...
    def array(self, array: Any) -> None: ...
    def random(self, generator: Any) -> None: ...


class CellPickler(cloudpickle.Pickler):  # type: ignore[misc]
    """For captures. ``namespace`` is the dict whose functions share it in the job, or None."""

    def __init__(self, file: io.BytesIO, owner: Owner, namespace: dict[str, Any] | None,
                 buffer_callback: Callable[[Any], bool] | None) -> None:
        super().__init__(file, protocol=5, buffer_callback=buffer_callback)
        self.owner, self.namespace = owner, namespace
        self._plain: set[type] = set()                # types that need no word from us
        self._cells: dict[int, rebuild.Cell] = {}

    def reducer_override(self, obj: Any) -> Any:
        """Called by the C pickler for everything but plain builtins."""
        kind = type(obj)
        if kind in self._plain:
            return NotImplemented
        special = _SPECIAL.get(kind)
        if special is not None:
            return special(self, obj)
        if issubclass(kind, type):
            return self._class(obj)
        reason = why_not(kind)
        if reason is not None or (kind.__module__ == "ipykernel.iostream"):
            for name in _STREAMS:
                if obj is getattr(sys, name, None):
                    return rebuild.standard_stream, (name,)
            if reason is not None:
                refuse(reason)
        return self._ordinary(obj, kind)

    def _ordinary(self, obj: Any, kind: type) -> Any:
        """Instances that pickle knows how to reduce; some are noted first."""
        ancestors = {(base.__module__, base.__qualname__) for base in kind.__mro__}
        if _SHELL in ancestors:
            return rebuild.shell, ()
        if ("numpy", "ndarray") in ancestors:
            self.owner.array(obj)
            if kind.__name__ == "memmap":
                return rebuild.unchanged, (sys.modules["numpy"].asarray(obj),)
            return NotImplemented
        if ancestors & _RANDOM:
            self.owner.random(obj)
            return NotImplemented
        self._plain.add(kind)
        return NotImplemented

    # -- classes and functions -------------------------------------------------------------------

    def _class(self, cls: type) -> Any:
        reduced = super().reducer_override(cls)
        if not isinstance(reduced, tuple) or reduced[0] not in {_CLASS, _ENUM}:
            self.owner.refers(cls.__module__)
            return reduced
        self.owner.defined(cls)
        constructor, arguments, state, *rest = reduced
        # Without its tracker id a class is built anew at every load (the memo keeps it one within
        # the stream); with it, loading would find the live class and reset its attributes.
        if constructor is _ENUM:
            return (constructor, (*arguments[:-2], None, arguments[-1]), state, *rest)
        meta, name, bases, body = arguments[:4]
        # Two things that cloudpickle forgets: the name inside another class, and that instances
        # have no __dict__ (named tuples set their own slots).
        body = {**body, "__qualname__": cls.__qualname__}
        slots = vars(cls).get("__slots__")
        if isinstance(slots, str | tuple | list | dict) and not issubclass(cls, tuple):
            body["__slots__"] = slots
        members, beside = state
        ordered = {key: members[key] for key in vars(cls) if key in members} | members
        return (rebuild.make_class, (meta, name, bases, body, _runs_own_code(cls)),
                (ordered, beside), *rest)

    def function(self, function: FunctionType) -> Any:
        """Functions of modules by name; those of the notebook by value."""
        if {"registry", "dispatch", "_clear_cache"} <= function.__dict__.keys():
            return self._single_dispatch(function)
        reduced = super().reducer_override(function)
        if reduced is NotImplemented:
            self.owner.refers(function.__module__ or "")
        return reduced

    def _single_dispatch(self, function: Any) -> Any:
        if function.__module__ != "__main__":
            return super().reducer_override(function)
        registry = dict(function.registry)
        return rebuild.single_dispatch, (function.__wrapped__, list(registry.items()))

    def _dynamic_function_reduce(self, function: FunctionType) -> Any:
        self.owner.defined(function)
        if function.__globals__ is not self.namespace:
            self.owner.code(replace(code_names(function.__code__), reads=()))
            return super()._dynamic_function_reduce(function)
        state, slots = internals._function_getstate(function)  # noqa: SLF001
        slots["__globals__"] = {}                     # each global is captured once, as a variable
        self.owner.code(code_names(function.__code__))
        return (internals._make_function, self._function_getnewargs(function),  # noqa: SLF001
                (state, slots), None, None, internals._function_setstate)  # noqa: SLF001

    def _function_getnewargs(self, function: FunctionType) -> Any:
        code, scope, name, defaults, closure = super()._function_getnewargs(function)
        if function.__globals__ is self.namespace:
            scope = rebuild.Namespace()
        if closure is not None:
            # One stand-in per cell: functions that share a variable share it in the job.
            closure = tuple(self._cells.setdefault(id(cell), rebuild.Cell(cell))
                            for cell in function.__closure__ or ())
        return code, scope, name, defaults, closure

    def lru(self, function: Any) -> Any:
        """Functions under ``lru_cache``; their caches stay behind."""
        if getattr(function, "__module__", None) != "__main__":
            self.owner.refers(getattr(function, "__module__", "") or "")
            return NotImplemented
        # By reference it would be looked up in a __main__ that does not have it yet.
        return rebuild.cached, (function.__wrapped__, function.cache_parameters())

    def view(self, view: Any) -> Any:
        """``d.keys()`` goes on being a view of ``d``; cloudpickle would make a copy of it."""
        mapping = next(part for part in gc.get_referents(view) if isinstance(part, dict))
        return rebuild.view, (mapping, type(view).__name__.rpartition("_")[2])

    def new_type(self, kind: Any) -> Any:
        """``NewType`` and its like of a notebook, which pickle knows by name only."""
        if kind.__module__ != "__main__":
            return NotImplemented
        if isinstance(kind, typing.NewType):
            return (typing.NewType, (kind.__name__, kind.__supertype__), {"__module__": "__main__"})
        if isinstance(kind, typing.ParamSpec | typing.TypeVarTuple):
            return type(kind), (kind.__name__,)
        return rebuild.type_alias, (kind.__name__, kind.__value__, kind.__type_params__)

    def cached_property(self, prop: Any) -> Any:
        """``functools.cached_property`` without its lock."""
        # Python 3.11's holds an RLock, which would be refused.
        return (functools.cached_property, (prop.func,),
                {"attrname": prop.attrname, "__doc__": prop.__doc__})


def _runs_own_code(cls: type) -> bool:
    """Whether making the class runs code of the notebook: its metaclass, ``__init_subclass__``."""
    return type(cls).__module__ == "__main__" or any(
        base.__module__ == "__main__" and "__init_subclass__" in vars(base) for base in cls.__mro__[1:])


_SPECIAL: dict[type, Callable[[Any, Any], Any]] = {
    FunctionType: CellPickler.function,
    _CACHED: CellPickler.lru,
    functools.cached_property: CellPickler.cached_property,
    **dict.fromkeys((type({}.keys()), type({}.values()), type({}.items()), type(OrderedDict().keys()),
                     type(OrderedDict().values()), type(OrderedDict().items())), CellPickler.view),
    **dict.fromkeys((typing.NewType, typing.ParamSpec, typing.TypeVarTuple,
                     getattr(typing, "TypeAliasType", typing.NewType)), CellPickler.new_type),
}


class ValuePickler(CellPickler):
    """For results, kept variables and payload values: classes of ``__main__`` travel as their name
    and, for a notebook that has none of that name, by value."""

    def __init__(self, file: io.BytesIO, owner: Owner, main: dict[str, Any],
                 buffer_callback: Callable[[Any], bool] | None,
                 by_value: frozenset[type] = frozenset()) -> None:
        super().__init__(file, owner, None, buffer_callback)
        self._main, self._by_value = main, by_value

    def _class(self, cls: type) -> Any:
        if (cls.__module__ != "__main__" or cls in self._by_value
                or rebuild.find_class(self._main, cls.__qualname__) is not cls):
            return super()._class(cls)
        alone = io.BytesIO()
        ValuePickler(alone, Silent(), self._main, None, self._by_value | {cls}).dump(cls)
        return rebuild.known_class, (cls.__qualname__, alone.getvalue())


class Limited(io.BytesIO):
    """A stream that refuses to grow past a limit, before it copies."""

    def __init__(self, room: Callable[[int], None]) -> None:
        super().__init__()
        self._room = room

    def write(self, data: Any, /) -> int:
        self._room(len(data))
        return super().write(data)


class Stream:
    """One pickle stream with a shared memo for many values, and its out-of-band buffers.

    Raises TooLarge before copying anything when the values grow past ``limit`` bytes.
    """

    def __init__(self, make: Callable[[io.BytesIO, Callable[[Any], bool]], CellPickler],
                 limit: float) -> None:
        self.limit, self.total = limit, 0
        self.buffers: list[pickle.PickleBuffer] = []
        self.file = Limited(self.take)
        self.pickler = make(self.file, self._buffer)

    def take(self, size: int) -> None:
        """Count bytes that are about to be added."""
        if self.total + size > self.limit:
            raise TooLarge
        self.total += size

    def _buffer(self, buffer: pickle.PickleBuffer) -> bool:
        size = buffer.raw().nbytes
        if size < LARGE:
            return True                               # stays in the stream
        self.take(size)
        self.buffers.append(buffer)
        return False

    def dump(self, value: Any) -> tuple[slice, list[pickle.PickleBuffer], int]:
        """Append a value: its part of the stream, its buffers, their size together."""
        start, before, known = self.file.tell(), self.total, len(self.buffers)
        try:
            self.pickler.dump(value)
        except pickle.PicklingError as error:
            if isinstance(error.__cause__, RecursionError):
                raise error.__cause__ from None
            raise
        return slice(start, self.file.tell()), self.buffers[known:], self.total - before
