"""The short way of a payload says exactly what the long way says, or nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import queues
from hypothesis import HealthCheck, given, settings, strategies as st

from tether_lab.capture import BlobStore
from tether_lab.errors import TetherLabError
from tether_lab.worker import payload as module
from tether_lab.worker.usual_payload import spelled

DECLARED = {"i": {"required": True, "type": "integer"}, "f": {"required": False, "type": "number"},
            "s": {"required": False, "type": "string"}, "b": {"required": False, "type": "boolean"},
            "any": {"required": False, "type": None}, "list": {"required": False, "type": "array"},
            "é": {"required": False, "type": None}, "**": {}}
PARAMETERS = json.dumps({name: about for name, about in DECLARED.items() if name != "**"})
VALUES = (st.integers() | st.integers(-(2**64), 2**64) | st.floats() | st.text() | st.booleans() | st.none()
          | st.lists(st.integers(), max_size=2) | st.just({"$blob": "x"}))
PAYLOADS = st.dictionaries(st.sampled_from([*DECLARED, "$blob", "$secret", "unknown", 3]), VALUES, max_size=5)


def said(payload: Any, parameters: str, short: Callable[..., Any]) -> object:
    """The stored text, or the error, with this short way."""
    version = queues.version()
    version = replace(version, parameters=parameters)
    store = BlobStore(Path("/nowhere"))
    with mock.patch.object(module, "spelled", short):
        try:
            return module.read_payload(payload, version, "{}", store, limit=60, plain=True)
        except TetherLabError as error:
            return type(error), error.message, error.where


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(PAYLOADS, st.booleans())
def test_both_ways_agree_in_each_byte(payload: dict[Any, Any], open_: bool) -> None:
    """Text or error, whatever is in it: numbers too large, NaN, halves of pairs, keys that are ours."""
    parameters = json.dumps(DECLARED) if open_ else PARAMETERS
    assert said(payload, parameters, spelled) == said(payload, parameters, lambda *_: None)


@pytest.mark.parametrize("payload", [
    {"i": 1}, {"i": -5, "f": 2.5e300, "s": 'a"b\\c\n', "b": True, "any": None}])
def test_what_is_usual_goes_the_short_way(payload: dict[str, Any]) -> None:
    """Declared names, numbers and plain texts: as json spells them without blanks."""
    assert spelled(payload, PARAMETERS) == json.dumps(payload, separators=(",", ":"), ensure_ascii=False)
    assert spelled({}, PARAMETERS) is None          # i is missing
