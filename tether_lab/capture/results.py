"""Results, kept variables and payload values: to bytes.

JSON where it gives back the very same value, else a pickle whose classes of ``__main__`` are looked
up by name where it is loaded. A result that cannot travel never fails the job: its text form and
the reason are stored instead.
"""

from __future__ import annotations

import io
import json
import math
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tether_lab.errors import CaptureRefused
from tether_lab.outcome.outcome import Stored

from .blobs import BlobStore
from .previews import preview
from .writing import Writer

if TYPE_CHECKING:
    from .pickling import CellPickler

RESULT = ""                        # the name of the result among the variables of a body
_BODY = frozenset({"stream", "buffers", "large", "python", "variables"})
_EXACT = 2**53 - 1                 # larger integers are rounded by readers of JSON elsewhere
_DEEPEST = 100
_LONGEST_JSON = 1_000_000


@dataclass(frozen=True, slots=True)
class Dumped:
    """Values as bytes: ``body`` is JSON that ``load_values`` understands, ``small`` blobs are still
    to be written to the database, ``large`` ones are files by now."""

    body: str
    small: dict[str, bytes]
    large: dict[str, int]


def dump_plain(value: Any) -> Stored | None:
    """A result that JSON gives back as it is; None if it does not."""
    plain = faithful_json(value)
    return None if plain is None else Stored("json", plain, preview(value), _type_name(value), len(plain), {})


def dump_result(value: Any, keep: Mapping[str, Any], store: BlobStore, *,
                namespace: dict[str, Any] | None = None, limit: float = 2e9) -> Stored:
    """A job's result and the variables it was asked to keep. Never raises for a value's sake."""
    if not keep:
        plain = Stored() if value is None else dump_plain(value)
        if plain is not None:
            return plain
    text = preview(value) if value is not None else ""
    problems: dict[str, str] = {}
    values = {RESULT: value, **keep}
    while True:
        rest = {name: part for name, part in values.items() if name not in problems}
        dumped, size, failed = _dump(rest, store, namespace, limit, problems, values)
        if not failed:
            break
        problems |= failed
    kind = "unavailable" if RESULT in problems else "pickle"
    if RESULT in problems:
        text = f"{problems[RESULT]}\n{text}"
    return Stored(kind, dumped.body, text, _type_name(value), size, dumped.small)


def capture_values(values: Mapping[str, Any], store: BlobStore, *,
                   namespace: dict[str, Any] | None = None, limit: float = 2e9) -> Dumped:
    """Values of a payload that are no JSON. Raises CaptureRefused naming each that cannot travel."""
    problems: dict[str, str] = {}
    while True:
        rest = {name: part for name, part in values.items() if name not in problems}
        dumped, _, failed = _dump(rest, store, namespace, limit, {}, rest)
        problems |= failed
        if not failed:
            break
    if problems:
        raise CaptureRefused("these values cannot be sent to a job:\n" + "\n".join(
            f"  {text}" for text in problems.values()), problems=tuple(problems.values()),
            remedy="Pass what they are made from (a path, an address) instead.")
    return dumped


def _dump(values: Mapping[str, Any], store: BlobStore, namespace: dict[str, Any] | None,
          limit: float, problems: Mapping[str, str], every: Mapping[str, Any],
          ) -> tuple[Dumped, int, dict[str, str]]:
    """Pickle values into one stream. What cannot travel is returned by name; nothing is written
    then."""
    from .pickling import Silent, Stream, ValuePickler

    main = sys.modules["__main__"].__dict__ if namespace is None else namespace

    def pickler(file: io.BytesIO, buffer: Callable[[Any], bool]) -> CellPickler:
        return ValuePickler(file, Silent(), main, buffer)

    stream, sizes = Stream(pickler, limit), dict[str, int]()
    for name, value in values.items():
        try:
            _, _, sizes[name] = stream.dump(value)
        except Exception as error:  # noqa: BLE001 - whatever a user's __reduce__ raises
            like = ValuePickler(io.BytesIO(), Silent(), main, lambda _: False)
            # The stream is spoilt from here on: the caller starts again without this one.
            return Dumped("", {}, {}), 0, {name: _problem(name, value, error, limit, like)}
    writer = Writer(store)
    content = stream.file.getbuffer()
    body = {
        "stream": writer.put(content) if sizes else None,
        "buffers": writer.buffers(stream.buffers), "large": writer.large,
        "python": f"{sys.version_info[0]}.{sys.version_info[1]}",
        "variables": [{"name": name, "type": _type_name(value), "size": sizes.get(name, 0),
                       "error": problems.get(name)} for name, value in every.items()],
    }
    size = len(content) + sum(buffer.raw().nbytes for buffer in stream.buffers)
    text = json.dumps(body, ensure_ascii=True, separators=(",", ":"))
    return Dumped(text, writer.small, writer.large), size, {}


def _problem(name: str, value: Any, error: BaseException, limit: float, like: Any) -> str:
    from .culprits import explain
    from .refusals import TooLarge

    shown = name or "result"
    if isinstance(error, TooLarge):
        return (f"{shown} makes what is stored larger than {limit / 1e6:.0f} MB: write it to a file "
                "and return its path")
    sentence, remedy = explain(shown, value, error, like)
    return f"{shown} {sentence}: {remedy}"


def _type_name(value: Any) -> str:
    kind = type(value)
    if kind.__module__ in {"builtins", "__main__"}:
        return kind.__qualname__
    return f"{kind.__module__}.{kind.__qualname__}"


def is_body(found: Any) -> bool:
    """Whether decoded JSON is the body of a pickled result; no JSON result looks like one."""
    return isinstance(found, dict) and found.keys() == _BODY


def faithful_json(value: Any) -> str | None:
    """JSON that gives back an equal value of the same types, or None where there is none."""
    if not _is_faithful(value, set(), _DEEPEST) or is_body(value):
        return None
    text = json.dumps(value, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    return text if len(text) <= _LONGEST_JSON else None


def _is_faithful(value: Any, seen: set[int], depth: int) -> bool:
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return True
    if kind is int:
        return bool(-_EXACT <= value <= _EXACT)
    if kind is float:
        return math.isfinite(value)
    if kind not in {list, dict} or not depth or id(value) in seen:
        return False                                  # a list that stands twice would become two
    seen.add(id(value))
    if kind is dict:
        return all(type(key) is str and _is_faithful(part, seen, depth - 1)
                   for key, part in value.items())
    return all(_is_faithful(part, seen, depth - 1) for part in value)
