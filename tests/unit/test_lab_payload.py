"""Payloads at the door: what is stored, what becomes a blob, what is refused and where."""

from __future__ import annotations

import datetime as dt
import enum
import json
from pathlib import Path
from typing import Any

import pytest

from tether_lab import CaptureRefused, Lab, PayloadError
from tether_lab.worker.payload import is_json


@pytest.fixture
def lab() -> Lab:
    lab = Lab(autostart=False)

    @lab.handler
    def train(ctx: Any, lr: float, epochs: int = 3, tags: list[str] | None = None, name: str = "x") -> None:
        pass

    @lab.handler("open")
    def anything(payload: dict[str, Any]) -> None:
        pass

    return lab


@pytest.mark.row(26)
@pytest.mark.parametrize(("payload", "where", "says"), [
    ({}, "$.lr", "needs lr"),
    ({"lr": 1, "epoch": 2}, "$.epoch", "did you mean 'epochs'"),
    ({"lr": "fast"}, "$.lr", "it takes a number"),
    ({"lr": True}, "$.lr", "it takes a number"),
    ({"lr": 1, "epochs": 1.5}, "$.epochs", "it takes a whole number"),
    ({"lr": 1, "name": 3}, "$.name", "it takes a text"),
    ({"lr": float("nan")}, "$.lr", "JSON cannot say"),
    ({"lr": 2**70}, "$.lr", "beyond"),
    ({"lr": 1, "tags": ["a", float("inf")]}, "$.tags[1]", "inf"),
    ([1], "$", "JSON object"),
    ({"lr": {"$blob": "x"}}, "$.lr", "may not have"),
    ({"lr": 1, "name": "\ud800"}, "$.name", "surrogate"),
])
def test_a_bad_payload_is_refused_by_path(lab: Lab, payload: Any, where: str, says: str) -> None:
    """The error names the value, and nothing is written."""
    with pytest.raises(PayloadError) as caught:
        lab.enqueue("train", payload)
    assert caught.value.where == where
    assert says in str(caught.value)
    assert lab.jobs() == []


@pytest.mark.row(26)
def test_all_payloads_are_checked_before_any_is_written(lab: Lab) -> None:
    """One bad payload among many refuses them all."""
    with pytest.raises(PayloadError):
        lab.enqueue_many("train", [{"lr": 1}, {"lr": 2}, {"lr": None, "x": 1}])
    assert lab.counts() == {}


@pytest.mark.row(27)
def test_a_huge_payload_is_refused() -> None:
    """The limit is a setting; the error says both sizes."""
    lab = Lab(autostart=False, payload_limit=10_000)
    lab.register(lambda payload: payload, "any")
    lab.enqueue("any", {"text": "x" * 9_000})
    with pytest.raises(PayloadError, match="at most"):
        lab.enqueue("any", {"text": "x" * 11_000})


def test_whole_numbers_pass_for_either_kind(lab: Lab) -> None:
    """An int is a number, a float without fraction a whole number; JSON keeps them as they were."""
    job = lab.enqueue("train", {"lr": 1, "epochs": 2.0})
    assert job.payload == {"lr": 1, "epochs": 2.0}


def test_what_is_no_json_travels_as_a_file(lab: Lab) -> None:
    """Dates, sets, tuples and bytes become blobs whose files exist; plain values stay readable."""
    given = {"day": dt.date(2026, 3, 1), "pair": (1, 2), "raw": b"\0", "plain": [1, {"a": None}]}
    job = lab.enqueue("open", given)
    stored = job.payload
    assert stored["plain"] == [1, {"a": None}]
    for name, kind in (("day", "datetime.date"), ("pair", "tuple"), ("raw", "bytes")):
        assert stored[name]["type"] == kind
        stream = json.loads(stored[name]["$blob"])["stream"]
        assert (lab.folder.blobs / stream[:2] / stream).is_file()


def test_what_cannot_travel_is_refused_by_name(lab: Lab, tmp_path: Path) -> None:
    """An open file in a payload is named, with what to pass instead."""
    with (tmp_path / "x").open("w") as file, pytest.raises(CaptureRefused, match="log") as caught:
        lab.enqueue("open", {"log": file})
    assert caught.value.remedy
    assert lab.counts() == {}


class Colour(enum.Enum):
    RED = 1


@pytest.mark.parametrize(("value", "plain"), [
    (1, True), ("a", True), (None, True), ([1, [2]], True), ({"a": 1}, True), (float("nan"), True),
    ((1,), False), ([(1,)], False), ({1: 2}, False), ({"a": {1, 2}}, False), (Colour.RED, False), (b"", False),
])
def test_json_is_what_comes_back_as_it_was(value: object, plain: bool) -> None:
    """Whatever JSON would change on its way goes as a blob instead."""
    assert is_json(value) is plain


@pytest.mark.row(26)
def test_a_value_that_holds_itself_ends_the_check() -> None:
    """A cycle is JSON to the first look, and refused by the second."""
    circle: list[Any] = []
    circle.append(circle)
    assert is_json(circle)
