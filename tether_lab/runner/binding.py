"""Names decide what a function is handed: ``ctx`` (or ``service``), ``payload`` and ``db`` are given,
every other parameter is filled from the payload, by name and by type.

Used when a handler is registered, when a job is enqueued and when it runs. No IPython, no I/O.
"""

from __future__ import annotations

import datetime as dt
import decimal
import enum
import inspect
import math
import pathlib
import types
import typing
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from tether_lab.errors import BadRequest, PayloadError

GIVEN = {"ctx": "ctx", "service": "ctx", "payload": "payload", "db": "db"}
_MISSING = inspect.Parameter.empty
_FROM_TEXT: dict[type, Callable[[str], Any]] = {
    dt.datetime: dt.datetime.fromisoformat, dt.date: dt.date.fromisoformat,
    dt.time: dt.time.fromisoformat, pathlib.Path: pathlib.Path, uuid.UUID: uuid.UUID,
    decimal.Decimal: decimal.Decimal,
}
_JSON_TYPES = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array",
               tuple: "array", set: "array", frozenset: "array", dict: "object"}


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter that the payload fills. ``annotation`` is Any where there is none."""

    name: str
    annotation: Any
    default: Any = _MISSING

    @property
    def required(self) -> bool:
        return self.default is _MISSING


@dataclass(frozen=True, slots=True)
class Signature:
    """What a handler takes. ``given``: the injected names it asks for; ``open``: it takes any key,
    because it has ``**rest`` (then ``rest`` too) or reads the payload itself, from ``payload`` or,
    with no parameter of its own, from ``ctx``."""

    parameters: tuple[Parameter, ...]
    given: tuple[str, ...]
    open: bool
    rest: bool
    by_name: dict[str, Parameter] = field(init=False, repr=False, compare=False)
    required: frozenset[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_name", {p.name: p for p in self.parameters})
        object.__setattr__(self, "required", frozenset(p.name for p in self.parameters if p.required))

    def declared(self) -> dict[str, dict[str, Any]]:
        """As stored with a handler version: name → required, JSON type or None."""
        return {p.name: {"required": p.required, "type": _json_type(p.annotation)} for p in self.parameters}

    def values(self, key: str, payload: Mapping[str, Any], beside: Mapping[str, Any] | None = None,
               ) -> dict[str, Any]:
        """The payload's values as the parameters want them; those ``beside`` come from elsewhere. Raises
        PayloadError, naming the parameter."""
        known = self.by_name
        if beside or not self.required <= payload.keys() <= known.keys():
            declared = {name: about for name, about in self.declared().items() if name not in (beside or {})}
            check_declared(key, declared, payload, open=self.open)
        return {name: coerce(value, known[name].annotation, name) if name in known else value
                for name, value in payload.items() if name in known or self.rest}

    def arguments(self, key: str, payload: Mapping[str, Any],
                  give: Mapping[str, Callable[[], Any]], *, shared: bool = False,
                  resources: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Keyword arguments for a call. ``give`` makes what is injected: ctx, payload, db; ``resources``
        are handed over as they are.
        ``shared``: keys that it does not take are for others."""
        if shared and not self.open:
            known = {p.name for p in self.parameters}
            payload = {name: value for name, value in payload.items() if name in known}
        found = {name: give[GIVEN[name]]() for name in self.given} | dict(resources or {})
        return found | {n: v for n, v in self.values(key, payload, resources).items() if n not in found}


def signature(function: Callable[..., Any]) -> Signature:
    """What ``function`` takes. Raises BadRequest if a payload cannot fill it."""
    try:
        found = inspect.signature(function)
    except (TypeError, ValueError) as error:
        raise BadRequest(f"{function!r:.80} has no signature that can be read: {error}",
                         remedy="Wrap it in a function with named parameters.") from None
    try:
        hints = typing.get_type_hints(function)
    except Exception:  # noqa: BLE001  user code: annotations that do not evaluate
        hints = {}
    parameters: list[Parameter] = []
    given: list[str] = []
    rest = False
    for name, parameter in found.parameters.items():
        if parameter.kind is parameter.VAR_KEYWORD:
            rest = True
        elif parameter.kind in (parameter.VAR_POSITIONAL, parameter.POSITIONAL_ONLY):
            raise BadRequest(f"the parameter {parameter} cannot be filled from a payload",
                             remedy="Use parameters with names: they are the keys of the payload.",
                             where=name)
        elif name in GIVEN:
            given.append(name)
        else:
            parameters.append(Parameter(name, hints.get(name, Any), parameter.default))
    reads_it_itself = "payload" in given or (bool(given) and not parameters)
    return Signature(tuple(parameters), tuple(given), rest or reads_it_itself, rest)


def check_declared(key: str, declared: Mapping[str, Mapping[str, Any]], payload: Mapping[str, Any], *,
                   open: bool = False) -> None:  # noqa: A002  the word of Signature
    """Check names alone, against parameters as stored with a version (``open``: unknown keys pass)."""
    unknown = [] if open else [name for name in payload if name not in declared]
    if unknown:
        near = get_close_matches(str(unknown[0]), declared, 1)
        guess = f" (did you mean {near[0]!r}?)" if near else ""
        takes = f"It takes {', '.join(declared)}." if declared else "It takes none."
        raise PayloadError(f"job {key!r} has no parameter {unknown[0]!r}{guess}", remedy=takes,
                           where=f"$.{unknown[0]}")
    missing = [name for name, about in declared.items() if about.get("required") and name not in payload]
    if missing:
        raise PayloadError(f"job {key!r} needs {', '.join(missing)}",
                           remedy=f"Give {'it' if len(missing) == 1 else 'them'} in the payload.",
                           where=f"$.{missing[0]}")


def coerce(value: Any, wanted: Any, name: str) -> Any:
    """``value`` as ``wanted``, where nothing is lost: int → float, text → Enum, Path, date, time,
    UUID, Decimal; lists → tuple, set. Raises PayloadError."""
    origin, inner = typing.get_origin(wanted), typing.get_args(wanted)
    if wanted is Any or wanted is _MISSING or isinstance(wanted, str | typing.TypeVar):
        return value
    if origin is typing.Annotated:
        return coerce(value, inner[0], name)
    if origin in (typing.Union, types.UnionType):
        return _first_fit(value, inner, wanted, name)
    if origin is typing.Literal:
        if any(value == choice and type(value) is type(choice) for choice in inner):
            return value
        raise _refused(value, f"one of {', '.join(map(repr, inner))}", name)
    if wanted is None or wanted is type(None):
        if value is None:
            return None
        raise _refused(value, "None", name)
    if origin in (list, tuple, set, frozenset) and inner:
        return _sequence(value, origin, inner, name)
    if origin is dict and inner:
        if not isinstance(value, dict):
            raise _refused(value, "an object", name)
        return {k: coerce(v, inner[1], f"{name}[{k!r}]") for k, v in value.items()}
    kind = origin or wanted
    return _plain(value, kind, name) if isinstance(kind, type) else value


def _plain(value: Any, kind: type, name: str) -> Any:
    if kind is bool or isinstance(value, bool):
        if kind in (int, float) or (kind is bool and not isinstance(value, bool)):
            raise _refused(value, _word(kind), name)
        return value
    if kind in (list, tuple, set, frozenset):
        return _sequence(value, kind, (), name)
    try:
        if isinstance(value, kind):
            return value
    except TypeError:                  # a protocol without run-time checks: nothing can be said
        return value
    if kind is float and isinstance(value, int):
        return float(value)
    if kind is int and isinstance(value, float) and math.isfinite(value) and value.is_integer():
        return int(value)
    try:
        if issubclass(kind, enum.Enum):
            return kind[value] if isinstance(value, str) and value in kind.__members__ else kind(value)
        if kind in _FROM_TEXT and isinstance(value, str):
            return _FROM_TEXT[kind](value)
    except (ValueError, ArithmeticError):
        raise _refused(value, _word(kind), name) from None
    if kind in _JSON_TYPES:
        raise _refused(value, _word(kind), name)
    return value                       # a class of the user's: whatever the payload has


def _first_fit(value: Any, choices: tuple[Any, ...], wanted: Any, name: str) -> Any:
    exact = [c for c in choices if isinstance(c, type) and type(value) is c]
    for choice in (*exact, *choices):
        try:
            return coerce(value, choice, name)
        except PayloadError:
            continue
    raise _refused(value, str(wanted), name)


def _sequence(value: Any, kind: type, inner: tuple[Any, ...], name: str) -> Any:
    if not isinstance(value, list | tuple | set | frozenset):
        raise _refused(value, _word(kind), name)
    if kind is tuple and inner and inner[-1] is not Ellipsis:
        if len(value) != len(inner):
            raise _refused(value, f"a list of {len(inner)}", name)
        return tuple(coerce(v, t, f"{name}[{i}]") for i, (v, t) in enumerate(zip(value, inner, strict=True)))
    item = inner[0] if inner else Any
    return kind(coerce(v, item, f"{name}[{i}]") for i, v in enumerate(value))


def _word(kind: type) -> str:
    if issubclass(kind, enum.Enum):
        return f"one of {', '.join(kind.__members__)}"
    return {int: "a whole number", float: "a number", str: "a text", bool: "True or False",
            dict: "an object", list: "a list", tuple: "a list", set: "a list",
            frozenset: "a list"}.get(kind, f"a {kind.__name__} as text")


def _json_type(annotation: Any) -> str | None:
    origin = typing.get_origin(annotation) or annotation
    return _JSON_TYPES.get(origin) if isinstance(origin, type) else None


def _refused(value: Any, wanted: str, name: str) -> PayloadError:
    return PayloadError(f"the parameter {name} is {value!r:.60}; it takes {wanted}", where=f"$.{name}")
