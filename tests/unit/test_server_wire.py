"""What the server says: golden JSON, made of real values, checked against openapi.json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from wire_samples import WIRE, samples, text_of

import tether_lab

DOCUMENT = json.loads((Path(tether_lab.__file__).parent / "server" / "openapi.json").read_text())
FILES = sorted(path.stem for path in WIRE.glob("*.json"))


def answers(operation: str) -> dict[str, Any]:
    """The schema of what an operation answers."""
    for verbs in DOCUMENT["paths"].values():
        for found in verbs.values():
            if found["operationId"] == operation:
                ok = next(value for status, value in found["responses"].items() if status != "default")
                schema: dict[str, Any] = ok["content"]["application/json"]["schema"]
                return schema
    raise AssertionError(operation)


def checked(name: str, value: object) -> None:
    """``value`` is what openapi.json says of this schema or operation; nothing more, nothing less."""
    known = name in DOCUMENT["components"]["schemas"]
    schema = {"$ref": f"#/components/schemas/{name}"} if known else answers(name)
    jsonschema.Draft202012Validator({**schema, "components": DOCUMENT["components"]}).validate(value)


def test_golden_files_are_what_the_code_says() -> None:
    """tests/wire/*.json hold what the wire functions make of the samples; `python tests/wire_samples.py`."""
    made = {name: text_of(content) for name, content in samples().items()}
    assert sorted(made) == FILES
    assert {name: (WIRE / f"{name}.json").read_text() for name in FILES} == made


@pytest.mark.parametrize("name", FILES)
def test_golden_files_follow_the_schemas(name: str) -> None:
    """Each value of a golden file is valid by the schema it names."""
    content = json.loads((WIRE / f"{name}.json").read_text())
    for value in content.get("values", {"": content.get("value")}).values():
        checked(content["schema"], value)


def test_the_failing_line_is_the_one_in_the_source() -> None:
    """A traceback's line is pointed at only where the source has that very text there."""
    from tether_lab.views.failing import failing_line

    source = "a = 1\ndef g():\n    return a/0\n\ng()\n"
    cell = "Cell In[1], line 5\n      4 \n----> 5 g()\n\nCell In[1], line 3, in g()\n----> 3     return a/0\n"
    assert failing_line(cell, source) == 3
    assert failing_line(cell.replace("return a/0", "return b/0"), source) == 5
    assert failing_line('  File "/x/y.py", line 93, in g\n    return a/0\n', source) == 3
    assert failing_line('  File "/x/y.py", line 93, in g\n    x = 1\n', "x = 1\nx = 1\n") is None
    assert failing_line(None, source) is None
