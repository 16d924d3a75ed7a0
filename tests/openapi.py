"""The server's contract as tests hold answers against it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import tether_lab

DOCUMENT = json.loads((Path(tether_lab.__file__).parent / "server" / "openapi.json").read_text())
SCHEMAS = DOCUMENT["components"]["schemas"]
OPERATIONS = [(path, verb, about) for path, verbs in DOCUMENT["paths"].items() for verb, about in verbs.items()]


def valid(schema: dict[str, Any], value: object) -> None:
    """``value`` is what a schema of the document says: nothing more, nothing less."""
    import jsonschema  # takes over a second: only where it is asked

    jsonschema.Draft202012Validator({**schema, "components": DOCUMENT["components"]}).validate(value)


def valid_by_name(name: str, value: object) -> None:
    """The same for a schema, or for what an operation answers, by name."""
    if name in SCHEMAS:
        valid({"$ref": f"#/components/schemas/{name}"}, value)
    else:
        valid(answer_of(next(about for _, _, about in OPERATIONS if about["operationId"] == name)), value)


def answer_of(about: dict[str, Any]) -> dict[str, Any]:
    """The schema of what an operation answers; that of anything where it is no JSON."""
    ok = next(found for status, found in about["responses"].items() if status != "default")
    schema: dict[str, Any] = ok.get("content", {}).get("application/json", {}).get("schema", {})
    return schema


def valid_answer(verb: str, path: str, value: object) -> None:
    """What a request was answered is what the document says of that verb and path."""
    for template, word, about in sorted(OPERATIONS, key=lambda one: one[0].count("{")):
        if word == verb.lower() and re.fullmatch(re.sub(r"{\w+}", "[^/]+", template), path):
            valid(answer_of(about), value)
            return
    raise AssertionError(f"{verb} {path} is not in the document")
