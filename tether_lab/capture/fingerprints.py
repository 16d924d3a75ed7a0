"""Fingerprints of variables: equal for equal content in any process, or None.

Pickle bytes are no identity: sets are ordered by a seed, classes carry random ids, strings are
shared by accident. So the content is walked: builtins by value, sets by their members'
fingerprints sorted, arrays by their bytes, functions by their compiled code, defaults and closure,
classes by their members, other objects by what they reduce to.
"""

from __future__ import annotations

import copyreg
import functools
import hashlib
import struct
import types
from collections.abc import Callable, Mapping
from typing import Any

from .blobs import digest_of

_NODES = 3_000                     # more parts than that are hashed as they were pickled
_SMALL = 1_000_000                 # bytes of a strided array that are copied to be hashed
_CLASS_NOISE = frozenset({"__dict__", "__weakref__", "__module__", "__doc__", "__firstlineno__",
                          "__static_attributes__", "_abc_impl", "__annotate_func__",
                          "__annotations_cache__", "__qualname__"})

Known = Mapping[tuple[int, int], str]          # (address, bytes) of a stored buffer -> its digest


class _Unstable(Exception):
    """No fingerprint that another process would find again."""


class _TooMany(Exception):
    """More parts than it is worth walking."""


def fingerprint(value: Any, segment: memoryview, digests: list[str], known: Known) -> str | None:
    """The fingerprint of one variable.

    ``segment`` and ``digests`` are its part of the stream and its stored buffers, which stand for
    the content where there are too many parts to walk; ``known`` spares hashing buffers twice.
    """
    if len(segment) > 64 * _NODES:
        return _pickled(segment, digests)
    walk = _Walk(known)
    try:
        return walk.of(value).hex()
    except _TooMany:
        return _pickled(segment, digests)
    except Exception:  # noqa: BLE001 - whatever a user's __reduce__ raises, and _Unstable
        return None


def _pickled(segment: memoryview, digests: list[str]) -> str:
    return _hash(b"pickled", segment, *(digest.encode() for digest in digests)).hex()


def _hash(*parts: bytes | memoryview) -> bytes:
    found = hashlib.blake2b(digest_size=16)
    for part in parts:
        found.update(struct.pack("<Q", len(part)))
        found.update(part)
    return found.digest()


class _Walk:
    """One walk; objects that were met before stand for themselves by their order."""

    def __init__(self, known: Known) -> None:
        self._known, self._count = known, 0
        self._open: dict[int, int] = {}               # objects being walked, for cycles
        self._keep: list[Any] = []
        self._done: dict[int, bytes] = {}

    def of(self, value: Any) -> bytes:
        """The hash of any value."""
        self._count += 1
        if self._count > _NODES:
            raise _TooMany
        kind = type(value)
        plain = _PLAIN.get(kind)
        if plain is not None:
            return _hash(kind.__name__.encode(), plain(value))
        if id(value) in self._done:
            return self._done[id(value)]
        if id(value) in self._open:
            return _hash(b"cycle", str(self._open[id(value)]).encode())
        self._open[id(value)] = len(self._open)
        self._keep.append(value)                      # its id must not be used again
        found = self._composed(value, kind)
        del self._open[id(value)]
        self._done[id(value)] = found
        return found

    def _composed(self, value: Any, kind: type) -> bytes:
        if kind in {list, tuple}:
            return self.all(kind.__name__, value)
        if kind is dict:
            return self.all("dict", [part for pair in value.items() for part in pair])
        if kind in {set, frozenset}:
            return _hash(kind.__name__.encode(), *sorted(self.of(part) for part in value))
        if isinstance(value, type):
            return self._class(value)
        special = _WALKS.get(kind)
        if special is not None:
            return special(self, value)
        if any(base.__module__ == "numpy" and base.__qualname__ == "ndarray" for base in kind.__mro__):
            return self._array(value)
        return self._reduced(value)

    def all(self, label: str, parts: Any) -> bytes:
        """The hash of parts in their order."""
        return _hash(label.encode(), *(self.of(part) for part in parts))

    # -- code ------------------------------------------------------------------------------------

    def code(self, code: types.CodeType) -> bytes:
        """What compiled code does."""
        # Not the file name and not the line numbers: another session has others.
        return self.all("code", [
            code.co_code, code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars,
            code.co_flags & ~0x1000000, code.co_argcount, code.co_posonlyargcount,
            code.co_kwonlyargcount, code.co_name, code.co_exceptiontable, code.co_consts])

    def function(self, function: types.FunctionType) -> bytes:
        """Code, defaults, attributes and closure; globals are variables of their own."""
        if function.__module__ != "__main__" and _by_name(function):
            return self._named(function)
        if {"registry", "dispatch", "_clear_cache"} <= vars(function).keys():
            registry: Any = vars(function)["registry"]        # singledispatch; its closure is a cache
            return self.all("dispatch", [vars(function)["__wrapped__"], dict(registry)])
        closure = [_contents(cell) for cell in function.__closure__ or ()]
        return self.all("function", [
            function.__qualname__, function.__code__, function.__defaults__,
            function.__kwdefaults__, function.__dict__, closure])

    def _named(self, value: Any) -> bytes:
        return _hash(b"name", f"{value.__module__}:{value.__qualname__}".encode())

    def _class(self, cls: type) -> bytes:
        if cls.__module__ != "__main__" and _by_name(cls):
            return self._named(cls)
        members = {name: part for name, part in vars(cls).items()
                   if name not in _CLASS_NOISE and not isinstance(
                       part, types.GetSetDescriptorType | types.MemberDescriptorType)}
        return self.all("class", [cls.__qualname__, list(cls.__bases__), type(cls), members])

    # -- objects -----------------------------------------------------------------------------------

    def _array(self, array: Any) -> bytes:
        shape = f"{array.dtype.descr if array.dtype.fields else array.dtype.str}{array.shape}".encode()
        if array.dtype.hasobject:
            return _hash(b"objects", shape, self.of(array.tolist()))
        order = b"F" if array.flags.f_contiguous and not array.flags.c_contiguous else b"C"
        digest = self._known.get((int(array.__array_interface__["data"][0]), int(array.nbytes)))
        if digest is None:
            if array.nbytes > _SMALL and not (array.flags.c_contiguous or array.flags.f_contiguous):
                raise _TooMany
            digest = digest_of(array.tobytes("A"))
        return _hash(b"array", shape, order, digest.encode())

    def _reduced(self, value: Any) -> bytes:
        reducer = copyreg.dispatch_table.get(type(value))
        reduced: Any = value.__reduce_ex__(4) if reducer is None else reducer(value)
        if isinstance(reduced, str):
            return _hash(b"global", type(value).__module__.encode(), reduced.encode())
        constructor, arguments, *rest = reduced
        state, items, pairs = (*rest, None, None, None)[:3]
        return self.all("object", [
            constructor, arguments, state, None if items is None else list(items),
            None if pairs is None else [list(pair) for pair in pairs]])


def _contents(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:
        return None


def _by_name(thing: Any) -> bool:
    """Whether another process finds this very thing by its name."""
    import sys

    found: Any = sys.modules.get(thing.__module__)
    for part in thing.__qualname__.split("."):
        found = getattr(found, part, None)
    return found is thing


def _unstable(_walk: _Walk, _value: Any) -> bytes:
    raise _Unstable


_PLAIN: dict[type, Callable[[Any], bytes | memoryview]] = {
    type(None): lambda _: b"", bool: lambda v: b"1" if v else b"0", int: lambda v: b"%x" % v
    if v >= 0 else b"-%x" % -v,
    float: lambda v: struct.pack("<d", v), complex: lambda v: struct.pack("<dd", v.real, v.imag),
    str: lambda v: v.encode("utf-8", "surrogatepass"), bytes: lambda v: v, bytearray: bytes,
    type(...): lambda _: b"", type(NotImplemented): lambda _: b"",
    range: lambda v: repr(v).encode(), slice: lambda v: repr(v).encode(),
    types.ModuleType: lambda v: v.__name__.encode(),
}
_WALKS: dict[type, Callable[[_Walk, Any], bytes]] = {
    types.FunctionType: _Walk.function,
    types.CodeType: _Walk.code,
    types.BuiltinFunctionType: lambda walk, f: walk.all("builtin", [
        f.__module__, f.__qualname__, None if isinstance(f.__self__, types.ModuleType) else f.__self__]),
    types.MethodType: lambda walk, m: walk.all("method", [m.__func__, m.__self__]),
    types.CellType: lambda walk, c: walk.all("cell", [_contents(c)]),
    types.MappingProxyType: lambda walk, m: walk.all("proxy", [dict(m)]),
    property: lambda walk, p: walk.all("property", [p.fget, p.fset, p.fdel]),
    classmethod: lambda walk, m: walk.all("classmethod", [m.__func__]),
    staticmethod: lambda walk, m: walk.all("staticmethod", [m.__func__]),
    functools.cached_property: lambda walk, p: walk.all("cached", [p.func]),
    type(functools.lru_cache(lambda: 0)): lambda walk, f: walk.all(
        "lru", [f.__wrapped__, f.cache_parameters()]),
    types.GetSetDescriptorType: _unstable,
}
