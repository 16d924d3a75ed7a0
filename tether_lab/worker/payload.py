"""Payloads at the door: JSON as it is, anything else as a blob, all against what is declared."""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import Enum
from functools import lru_cache
from types import MappingProxyType
from typing import Any, NamedTuple

from tether_lab.capture import BlobStore
from tether_lab.errors import PayloadError
from tether_lab.job import HandlerVersion, check_payload
from tether_lab.job.request import DEEPEST, is_flat
from tether_lab.job_queue.sealed import SECRET

from .usual_payload import spelled

BLOB = "$blob"
OPEN = "**"
"""Among a version's parameters: any further key is welcome."""
_PLAIN = (str, int, float, bool, type(None))
_TYPES: dict[str, tuple[type, ...]] = {
    "boolean": (bool,), "integer": (int,), "number": (int, float), "string": (str,),
    "array": (list,), "object": (dict,),
}


class Payload(NamedTuple):
    """A checked payload: the text to be stored, and the files it refers to, with their sizes."""

    text: str
    blobs: Mapping[str, int] = MappingProxyType({})


def read_payload(payload: object, version: HandlerVersion, defaults: str, store: BlobStore, *,
                 limit: int, plain: bool = False, shared: bool = False) -> Payload:
    """The payload as stored: defaults filled in, checked against the version's parameters.

    Values that are no JSON (frames, sets, tuples, datetimes …) become ``{"$blob": …}`` of files in
    ``store``; ``plain`` refuses them instead. ``shared``: further keys are
    for other jobs. Raises PayloadError with the path of the culprit, or
    CaptureRefused for values that cannot travel at all. Nothing is stored before all is checked.
    """
    if type(payload) is dict and defaults == "{}":
        usual = spelled(payload, version.parameters)
        if usual is not None and len(usual) <= limit:
            return Payload(usual)
    given = _mapping(payload)
    merged = {**json.loads(defaults), **given} if defaults != "{}" else given
    _check_declared(version, merged, shared=shared)
    if is_flat(merged):
        return Payload(check_payload(merged, largest=limit))
    plain = plain or version.kind == "notebook"        # its parameters are written into a cell
    strange = [] if plain else [name for name, value in merged.items()
                                if isinstance(name, str) and not is_json(value)]
    text = check_payload({name: value for name, value in merged.items() if name not in strange},
                         largest=limit)
    blobs: dict[str, int] = {}
    if defaults != "{}":
        for name, value in merged.items():
            if name not in given and isinstance(value, dict) and BLOB in value:
                blobs |= _held(value, store)
    if not strange:
        return Payload(text, blobs)
    found = json.loads(text)
    ready = {name: _as_blob(value, name, store, blobs) if name in strange else found[name]
             for name, value in merged.items()}
    return Payload(check_payload(ready, largest=limit), blobs)


def _mapping(payload: object) -> dict[Any, Any]:
    if payload is None:
        return {}
    if not isinstance(payload, Mapping):
        raise PayloadError(f"a payload is a JSON object (a dict); got {type(payload).__name__}",
                           remedy="Wrap it, as in {'item': value}.", where="$")
    for name, value in payload.items():
        # Only we write these: a runner loads what $blob names, the worker opens what $secret holds.
        for own in (BLOB, SECRET):
            if name == own or (isinstance(value, Mapping) and own in value):
                raise PayloadError(f"{own!r} is a key that payloads may not have", where=f"$.{name}",
                                   remedy="Pass the object itself; it travels by that name.")
    return dict(payload)


def _check_declared(version: HandlerVersion, values: Mapping[Any, Any], *, shared: bool) -> None:
    from tether_lab.runner.binding import check_declared

    declared, is_open = _declared(version.parameters, version.kind)
    # A chain's input is for all its steps.
    check_declared(version.key, declared, values, open=is_open or shared)
    for name, about in declared.items():
        if name in values:
            _check_type(name, values[name], about.get("type"))


@lru_cache(64)
def _declared(parameters: str, kind: str) -> tuple[Mapping[str, Mapping[str, Any]], bool]:
    """Parameters as stored, and whether further keys are welcome. A command reads its payload from the
    environment, or not at all."""
    declared = json.loads(parameters)
    is_open = declared.pop(OPEN, None) is not None or (kind == "cell" and not declared)
    return declared, is_open or kind == "shell"


def _check_type(name: str, value: object, wanted: str | None) -> None:
    """JSON values against JSON types. What is no JSON is left to the call itself."""
    accepted = _TYPES.get(wanted or "")
    if accepted is None or not is_json(value):
        return
    fits = isinstance(value, accepted) and (wanted == "boolean" or not isinstance(value, bool))
    whole = wanted == "integer" and isinstance(value, float) and value.is_integer()
    if not fits and not whole:
        raise PayloadError(f"the parameter {name} is {value!r:.60}; it takes {_words(wanted or '')}",
                           where=f"$.{name}")


def _words(wanted: str) -> str:
    return {"boolean": "True or False", "integer": "a whole number", "number": "a number",
            "string": "a text", "array": "a list", "object": "an object"}[wanted]


def is_json(value: object, *, depth: int = 0) -> bool:
    """Whether JSON brings it back as it was. What JSON has but refuses (NaN, huge integers, depth)
    counts as JSON: the check names it. Tuples do not: they would come back as lists."""
    if isinstance(value, Enum):
        return False
    if isinstance(value, _PLAIN) or depth > DEEPEST:
        return True
    if type(value) is dict:
        return all(isinstance(key, str) and is_json(item, depth=depth + 1)
                   for key, item in value.items())
    return type(value) is list and all(is_json(item, depth=depth + 1) for item in value)


def _as_blob(value: object, name: str, store: BlobStore, blobs: dict[str, int]) -> dict[str, Any]:
    """A value as ``{"$blob": manifest, "type", "size"}``. All its buffers become files, small ones
    too: what a runner is handed beside its task are the small blobs of versions only."""
    from tether_lab.capture import capture_values

    dumped = capture_values({name: value}, store)
    for digest, content in dumped.small.items():
        store.put_as(digest, content)
        blobs[digest] = len(content)
    blobs |= dumped.large
    body = json.loads(dumped.body)
    about = body["variables"][0]
    about["name"] = ""                  # the name by which a runner asks for the one value
    return {BLOB: json.dumps(body, separators=(",", ":")), "type": about["type"], "size": about["size"]}


def _held(stored: Mapping[str, Any], store: BlobStore) -> dict[str, int]:
    """The files of a blob that is a default, with their sizes: each job that uses it holds them."""
    body = json.loads(stored[BLOB])
    digests = [digest for digest in (body["stream"], *body["buffers"]) if digest]
    files = {digest: store.folder / digest[:2] / digest for digest in digests}
    return {digest: file.stat().st_size for digest, file in files.items() if file.exists()}
