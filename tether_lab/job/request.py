"""What is asked for, checked at the door: keys and payloads."""

from __future__ import annotations

import json
import math
import re
from typing import Any

from tether_lab.errors import BadRequest, PayloadError

DEEPEST = 64
LARGEST = 16_000_000
_spell = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode
_KEY = re.compile(r"[^\x00-\x1f\x7f\s/\\<>\"'`]{1,200}")


def check_key(key: object) -> str:
    """A job key: 1 to 200 characters, no spaces, slashes, quotes, angle brackets, control codes."""
    if not isinstance(key, str) or not _KEY.fullmatch(key) or key.startswith(("-", ".", "~")):
        raise BadRequest(f"{key!r:.80} is not a job key",
                         remedy="Use 1 to 200 letters, digits, '_', '-', '.' or ':', "
                                "not starting with '-', '.' or '~'.", where="key")
    return _encodable(key, "key")


def check_payload(payload: object, *, largest: int = LARGEST) -> str:
    """The payload as canonical JSON text (object at the top, at most ``largest`` bytes, 64 deep).

    Refused with the path of the culprit: anything that is not JSON, NaN and infinities, integers
    beyond ±2⁶³, keys that are not text, lone surrogates, cycles, depth and size.
    """
    if payload is None:
        return "{}"
    if not isinstance(payload, dict):
        raise PayloadError(f"a payload is a JSON object (a dict); got {type(payload).__name__}",
                           remedy="Wrap it, as in {'item': value}.", where="$")
    if not is_flat(payload):
        _check(payload, "$", 0)
    text = _spell(payload)
    length = len(text.encode())
    if length > largest:
        raise PayloadError(f"the payload has {length / 1e6:.1f} MB; at most {largest / 1e6:.0f} MB",
                           remedy="Store the data in a file, or capture it with the handler, and "
                                  "pass its name.", where="$")
    return text


def is_flat(payload: dict[Any, Any]) -> bool:
    """Whether nothing in it can be wrong: plain numbers, and texts of plain characters, by such texts.
    Most payloads are so, and this is quicker than finding out what is wrong with the others."""
    for name, value in payload.items():
        kind = type(value)
        if type(name) is not str or not name.isascii():
            return False
        if not ((kind is int and -(2**63) <= value < 2**63) or kind is bool or value is None
                or (kind is str and value.isascii()) or (kind is float and math.isfinite(value))):
            return False
    return True


def _check(value: Any, path: str, depth: int) -> None:
    if depth > DEEPEST:
        raise PayloadError(f"{path[:200]} is nested more than {DEEPEST} deep (or holds itself)",
                           remedy="Flatten it.", where=path[:200])
    match value:
        case None | bool():
            return
        case str():
            _encodable(value, path)
        case int():
            if not -(2**63) <= value < 2**63:
                raise PayloadError(f"{path} is an integer beyond ±2⁶³", remedy="Pass it as text.",
                                   where=path)
        case float():
            if not math.isfinite(value):
                raise PayloadError(f"{path} is {value}, which JSON cannot say",
                                   remedy="Use None, or a text.", where=path)
        case dict():
            for key, item in value.items():
                if not isinstance(key, str):
                    raise PayloadError(f"{path} has the key {key!r:.60}, which is no text",
                                       remedy=f"Use {str(key)!r:.60}.", where=path)
                _encodable(key, path)
                _check(item, f"{path}.{key}" if key.isidentifier() else f"{path}[{key!r}]", depth + 1)
        case list() | tuple():
            for index, item in enumerate(value):
                _check(item, f"{path}[{index}]", depth + 1)
        case _:
            raise PayloadError(f"{path} is a {type(value).__name__}, which is not JSON",
                               remedy=_instead(value), where=path)


def _encodable(text: str, path: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise PayloadError(f"{path} holds half of a surrogate pair", where=path,
                           remedy="Decode the text properly, or pass bytes as base64.") from None
    return text


def _instead(value: object) -> str:
    if isinstance(value, bytes | bytearray):
        return "Pass it as base64 text, or write it to a file."
    if hasattr(value, "isoformat"):
        return "Pass value.isoformat()."
    if hasattr(value, "tolist"):
        return "Pass value.tolist(), or value.item() for one number."
    if isinstance(value, set | frozenset):
        return "Pass sorted(value)."
    return "Pass plain numbers, texts, lists and dicts."
