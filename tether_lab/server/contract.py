"""``openapi.json`` at work: what a request may say is read and checked by the document that describes it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema

from tether_lab.errors import MalformedRequest as Malformed

DOCUMENT = Path(__file__).with_name("openapi.json")
LARGEST_INTEGER = 2**63 - 1

Json = dict[str, Any]


@cache
def document() -> Json:
    """The OpenAPI document."""
    found: Json = json.loads(DOCUMENT.read_bytes())
    return found


class Operation:
    """A verb of a path: what it takes."""

    def __init__(self, path: str, verb: str, about: Json) -> None:
        self.path, self.verb, self.name = path, verb, str(about["operationId"])
        parameters: Sequence[Json] = about.get("parameters", ())
        self._query = {p["name"]: p["schema"] for p in parameters if p["in"] == "query"}
        self._needed = [p["name"] for p in parameters if p["in"] == "query" and p["required"]]
        self._path = {p["name"]: p["schema"] for p in parameters if p["in"] == "path"}
        body = about.get("requestBody")
        self.takes_body = body is not None
        self._needs_body = bool(body and body.get("required"))
        self._body = _checker(body["content"]["application/json"]["schema"]) if body else None
        self.status = min(int(status) for status in about["responses"] if status.isdecimal())

    def path_values(self, given: Mapping[str, str]) -> Json | None:
        """The values in the path; None if nothing can be there."""
        found: Json = {}
        for name, text in given.items():
            schema = self._path[name]
            if schema["type"] == "integer":
                if not re.fullmatch(r"[0-9]{1,18}", text, re.ASCII):
                    return None
                found[name] = int(text)
            elif "pattern" in schema and not re.fullmatch(schema["pattern"], text):
                return None
            else:
                found[name] = text
        return found

    def query_values(self, given: Mapping[str, Sequence[bytes]]) -> Json:
        """The values behind the question mark, defaults filled in. Raises Malformed."""
        found = {name: schema["default"] for name, schema in self._query.items() if "default" in schema}
        for name, values in given.items():
            if name in IGNORED or (name.isdecimal() and not any(values)):
                continue                   # a token, or what keeps caches away
            if name not in self._query:
                near = get_close_matches(name, self._query, 1)
                raise Malformed(f"there is no parameter {name!r:.60}"
                                + (f"; did you mean {near[0]!r}?" if near else ""), where=name[:60],
                                remedy=f"Accepted: {', '.join(self._query) or 'none'}.")
            if len(values) != 1:
                raise Malformed(f"{name} is given {len(values)} times", where=name, remedy="Give it once.")
            found[name] = _read(name, values[0], self._query[name])
        for name in self._needed:
            if name not in found:
                raise Malformed(f"{name} is missing", where=name, remedy=f"Give it: ?{name}=…")
        return found

    def body(self, raw: bytes) -> Json:
        """The body as an object. Raises Malformed, with the place."""
        if not raw.strip():
            if self._needs_body:
                raise Malformed("this verb needs a body", where="$", remedy="Send a JSON object.")
            return {}
        if self._body is None:
            raise Malformed("this verb takes no body", where="$", remedy="Send none.")
        value = parse(raw)
        for wrong in self._body.iter_errors(value):
            raise Malformed(_words(wrong), where=_place(wrong),
                            remedy="GET …/tether-lab/api/v1/openapi.json says what it takes.")
        assert isinstance(value, dict), "every schema of a body is an object's"
        return value


IGNORED = frozenset({"token", "_xsrf"})


@cache
def operations() -> dict[str, dict[str, Operation]]:
    """By path, then by verb."""
    return {path: {verb: Operation(path, verb, about) for verb, about in verbs.items()}
            for path, verbs in document()["paths"].items()}


def parse(raw: bytes) -> Any:
    """JSON as it must be here. Raises Malformed for what is none, for NaN, and for a name given twice."""
    try:
        value = json.loads(raw.decode(), parse_constant=_no_constant, object_pairs_hook=_once)
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise Malformed("a text holds half of a surrogate pair", where="$",
                        remedy="Encode texts as UTF-8.") from None
    except RecursionError:
        raise Malformed("the body is nested too deep", where="$", remedy="Flatten it.") from None
    except ValueError as error:
        raise Malformed(f"the body is no JSON: {error}", where="$", remedy="Send a JSON object.") from None
    return value


def _no_constant(word: str) -> None:
    raise ValueError(f"{word} is no JSON")


def _once(pairs: list[tuple[str, Any]]) -> Json:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name is given twice in one object")
    return found


def _read(name: str, raw: bytes, schema: Json) -> Any:
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise Malformed(f"{name} is no UTF-8", where=name) from None
    kind = schema["type"]
    if kind == "integer":
        if not re.fullmatch(r"-?[0-9]{1,18}", text, re.ASCII):
            raise Malformed(f"{name} is {text!r:.60}, no whole number", where=name)
        value: Any = int(text)
        low, high = schema.get("minimum", -LARGEST_INTEGER), schema.get("maximum", LARGEST_INTEGER)
        if not low <= value <= high:
            raise Malformed(f"{name} is {value}", where=name, remedy=f"Accepted: {low} to {high}.")
        return value
    if kind == "boolean":
        if text not in ("true", "false", "1", "0"):
            raise Malformed(f"{name} is {text!r:.60}", where=name, remedy="true or false")
        return text in ("true", "1")
    if "enum" in schema and text not in schema["enum"]:
        raise Malformed(f"{name} is {text!r:.60}", where=name, remedy=f"One of {', '.join(schema['enum'])}.")
    if len(text) > schema.get("maxLength", 1000) or "\0" in text:
        raise Malformed(f"{name} is too long a text, or holds NUL", where=name)
    return text


_STRICT = jsonschema.Draft202012Validator.TYPE_CHECKER.redefine(
    "integer", lambda _, value: isinstance(value, int) and not isinstance(value, bool)
    and -LARGEST_INTEGER <= value <= LARGEST_INTEGER)
_Validator = jsonschema.validators.extend(jsonschema.Draft202012Validator, type_checker=_STRICT)


def _checker(schema: Json) -> Any:
    return _Validator({**schema, "components": document()["components"]})


def _words(wrong: Any) -> str:
    """A sentence about it: a schema's own may quote a whole body."""
    where, text = _place(wrong), str(wrong.message)
    return f"{where}: {text if len(text) <= 300 else wrong.validator + ' of the schema does not hold'}"


def _place(wrong: Any) -> str:
    return "$" + "".join(_step(part) for part in wrong.absolute_path)[:200]


def _step(part: str | int) -> str:
    return f"[{part}]" if isinstance(part, int) or not part.isidentifier() else f".{part}"


def paths() -> Iterator[str]:
    """Every path of the document."""
    yield from document()["paths"]
