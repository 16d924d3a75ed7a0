"""What the server says: golden JSON, made of real values, checked against openapi.json."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from openapi import DOCUMENT, OPERATIONS, SCHEMAS, valid_by_name

WIRE = Path(__file__).parents[1] / "wire"
FILES = sorted(path.stem for path in WIRE.glob("*.json") if '"schema"' in path.read_text())


def test_golden_files_are_what_the_code_says() -> None:
    """tests/wire/*.json hold what the wire functions make of the samples; `python tests/wire_samples.py`."""
    from wire_samples import samples, text_of  # loads the server

    made = {name: text_of(content) for name, content in samples().items()}
    assert sorted(made) == FILES
    assert {name: (WIRE / f"{name}.json").read_text() for name in FILES} == made


@pytest.mark.parametrize("name", FILES)
def test_golden_files_follow_the_schemas(name: str) -> None:
    """Each value of a golden file is valid by the schema it names."""
    content = json.loads((WIRE / f"{name}.json").read_text())
    for value in content.get("values", {"": content.get("value")}).values():
        valid_by_name(content["schema"], value)


def test_the_document_and_the_routes_are_the_same() -> None:
    """Every path and verb of openapi.json has a route, and every route is in openapi.json."""
    from tether_lab.server.routes import ROUTES

    written = {(path, verb) for path, verb, _ in OPERATIONS}
    assert written == {(path, verb) for path, verbs in ROUTES.items() for verb in verbs}
    names = [about["operationId"] for _, _, about in OPERATIONS]
    assert len(names) == len(set(names))


def test_the_document_is_sound() -> None:
    """Its schemas are valid, all references lead somewhere, no schema is used by nobody."""
    import jsonschema

    for schema in SCHEMAS.values():
        jsonschema.Draft202012Validator.check_schema(schema)
    text = json.dumps(DOCUMENT)
    used = {part.split('"')[0] for part in text.split('"#/components/schemas/')[1:]}
    assert used <= set(SCHEMAS)
    assert set(SCHEMAS) - used <= {"ChangeEvent"}, set(SCHEMAS) - used


def test_the_event_of_the_document_is_that_of_the_event_schema() -> None:
    """ChangeEvent in openapi.json and changes.yaml name the same properties."""
    import yaml

    from tether_lab.server.app import EVENT, SCHEMA

    found = yaml.safe_load(SCHEMA.read_text())
    assert found["$id"] == EVENT
    assert set(found["properties"]) == set(SCHEMAS["ChangeEvent"]["properties"]) == set(found["required"])


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
