"""Results: JSON where it is faithful, else a pickle that never harms the notebook it comes back to."""

from __future__ import annotations

import math
import sys
import threading
import time
import types
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tether_lab.capture import (
    Blobs,
    BlobStore,
    capture_values,
    dump_result,
    load_kept,
    load_result,
    load_values,
)
from tether_lab.capture.previews import preview
from tether_lab.errors import CaptureRefused, ResultUnavailable
from tether_lab.outcome.outcome import Stored


@pytest.fixture
def main() -> dict[str, Any]:
    """A namespace that stands for a notebook's ``__main__``."""
    return types.ModuleType("__main__").__dict__


def there_and_back(value: Any, folder: Path, main: dict[str, Any], keep: dict[str, Any] | None = None) -> Any:
    """Store a result and load it."""
    stored = dump_result(value, keep or {}, BlobStore(folder), namespace=main)
    return load(stored, folder, main)


def load(stored: Stored, folder: Path, main: dict[str, Any]) -> Any:
    """Load a stored result."""
    return load_result(stored.body, Blobs(folder, stored.blobs), main, kind=stored.kind, text=stored.text)


PLAIN = [{"loss": 0.1, "n": [1, 2, None, True]}, [], "ö\ud800", -0.0, 2**53 - 1, {"": {}}]
NOT_PLAIN = [(1, 2), {1: "a"}, {1, 2}, float("nan"), math.inf, 2**60, b"x", OrderedDict(a=1), 1j,
             np.float64(1.5), {"stream": 1, "buffers": 2, "large": 3, "python": 4, "variables": 5}]


@pytest.mark.parametrize("value", PLAIN, ids=repr)
def test_json_where_faithful(value: Any, tmp_path: Path, main: dict[str, Any]) -> None:
    """Plain values are stored as JSON and come back equal, types included."""
    stored = dump_result(value, {}, BlobStore(tmp_path), namespace=main)
    assert stored.kind == "json"
    back = load(stored, tmp_path, main)
    assert repr(back) == repr(value)
    assert repr(load_result(stored.body, Blobs(tmp_path), main)) == repr(value)


@pytest.mark.parametrize("value", NOT_PLAIN, ids=repr)
def test_pickle_where_json_would_change_it(value: Any, tmp_path: Path, main: dict[str, Any]) -> None:
    """What JSON would change is pickled and keeps its type."""
    stored = dump_result(value, {}, BlobStore(tmp_path), namespace=main)
    assert stored.kind == "pickle"
    back = load(stored, tmp_path, main)
    assert type(back) is type(value)
    assert repr(back) == repr(value)


def test_a_list_that_stands_twice(tmp_path: Path, main: dict[str, Any]) -> None:
    """Identity is part of a value: JSON would make two lists of one."""
    part: list[int] = []
    back = there_and_back([part, part], tmp_path, main)
    assert back[0] is back[1]


def test_none_is_no_result(tmp_path: Path, main: dict[str, Any]) -> None:
    """None costs nothing; with kept variables it is stored beside them."""
    assert dump_result(None, {}, BlobStore(tmp_path), namespace=main) == Stored()
    assert there_and_back(None, tmp_path, main) is None
    assert there_and_back(None, tmp_path, main, {"x": 1}) is None


def test_frames_are_mapped(tmp_path: Path, main: dict[str, Any]) -> None:
    """A large frame is one file, comes back equal and can be written to."""
    frame = pd.DataFrame(np.random.default_rng(1).random((20_000, 4)), columns=list("abcd"))
    stored = dump_result(frame, {}, BlobStore(tmp_path), namespace=main)
    assert len([p for p in tmp_path.rglob("*") if p.is_file()]) == 1
    back = load(stored, tmp_path, main)
    pd.testing.assert_frame_equal(back, frame)
    back.iloc[0, 0] = 7
    assert load(stored, tmp_path, main).iloc[0, 0] == frame.iloc[0, 0]


def test_kept_variables_share_what_they_share(tmp_path: Path, main: dict[str, Any]) -> None:
    """Kept variables and the result come back as one graph; a bad one is told when asked for."""
    model = {"w": np.ones(3)}
    keep = {"model": model, "lock": threading.Lock(), "n": 3}
    stored = dump_result([model], keep, BlobStore(tmp_path), namespace=main)
    blobs = Blobs(tmp_path, stored.blobs)
    kept = load_kept(stored.body, blobs, main)
    assert set(kept) == {"model", "n"}
    assert load(stored, tmp_path, main)[0]["w"].sum() == 3
    with pytest.raises(ResultUnavailable, match="lock is a _thread"):
        kept["lock"]
    with pytest.raises(KeyError):
        kept["nothing"]
    assert load_kept("[1]", blobs, main) == {}


@pytest.mark.row(28)
def test_unpicklable_result_keeps_its_text(tmp_path: Path, main: dict[str, Any]) -> None:
    """The job is complete all the same: the path to the culprit and the text form are stored."""
    stored = dump_result({"a": [threading.Lock()]}, {"n": 1}, BlobStore(tmp_path), namespace=main)
    assert stored.kind == "unavailable"
    assert "result['a'][0], a _thread.lock: lock" in stored.text
    assert "{'a': [<unlocked" in stored.text
    with pytest.raises(ResultUnavailable, match="was not stored"):
        load(stored, tmp_path, main)
    with pytest.raises(ResultUnavailable):
        load_result(stored.body, Blobs(tmp_path, stored.blobs), main)
    assert load_kept(stored.body, Blobs(tmp_path, stored.blobs), main)["n"] == 1


@pytest.mark.row(28)
def test_too_large(tmp_path: Path, main: dict[str, Any]) -> None:
    """A result past the limit is not written."""
    stored = dump_result(np.zeros(100_000), {}, BlobStore(tmp_path), namespace=main, limit=1000)
    assert stored.kind == "unavailable"
    assert "write it to a file" in stored.text
    assert not list(tmp_path.iterdir())


CLASS = """
class Res:
    shared = 5
    def __init__(self, v): self.v = v
    def show(self): return f"first {self.v}"
    class Part:
        pass
"""


def test_loading_does_not_touch_the_notebooks_class(tmp_path: Path, main: dict[str, Any]) -> None:
    """A class variable that was changed and a method that was patched since stay as they are."""
    exec(CLASS, main)
    stored = dump_result([main["Res"](1), main["Res"].Part(), main["Res"]], {}, BlobStore(tmp_path),
                         namespace=main)
    main["Res"].shared = 99
    main["Res"].show = lambda self: "patched"
    first, part, cls = load(stored, tmp_path, main)
    assert (main["Res"].shared, first.show()) == (99, "patched")
    assert isinstance(first, main["Res"])
    assert isinstance(part, main["Res"].Part)
    assert cls is main["Res"]


def test_class_of_a_cell_that_ran_again(tmp_path: Path, main: dict[str, Any]) -> None:
    """After the class's cell ran again, results are instances of the new class."""
    exec(CLASS, main)
    stored = dump_result(main["Res"](1), {}, BlobStore(tmp_path), namespace=main)
    exec(CLASS.replace("first", "second"), main)
    assert load(stored, tmp_path, main).show() == "second 1"


def test_class_that_is_gone(tmp_path: Path, main: dict[str, Any]) -> None:
    """A notebook without the class gets it with the result, with what it needs."""
    exec(CLASS, main)
    stored = dump_result([main["Res"](1), main["Res"](2)], {}, BlobStore(tmp_path), namespace=main)
    empty = types.ModuleType("__main__").__dict__
    one, two = load(stored, tmp_path, empty)
    assert type(one) is type(two)
    assert one.show() == "first 1"
    assert "Res" not in empty


def test_functions_bring_their_globals(tmp_path: Path, main: dict[str, Any]) -> None:
    """A function in a result works where it is loaded and does not see that notebook's names."""
    exec("rate = 2\ndef cost(n): return n * rate", main)
    back = there_and_back(main["cost"], tmp_path, main)
    assert back(3) == 6
    main["rate"] = 100
    assert back(3) == 6


def test_another_python(tmp_path: Path, main: dict[str, Any]) -> None:
    """A result of another Python minor version is refused by its name."""
    stored = dump_result({1}, {}, BlobStore(tmp_path), namespace=main)
    here = f'"python":"{sys.version_info[0]}.{sys.version_info[1]}"'
    assert here in stored.body
    with pytest.raises(ResultUnavailable, match=r"Python 3\.5"):
        load_result(stored.body.replace(here, '"python":"3.5"'), Blobs(tmp_path, stored.blobs), main)


def test_payload_values(tmp_path: Path, main: dict[str, Any]) -> None:
    """Values of a payload travel together; all that cannot are named at once."""
    dumped = capture_values({"df": pd.DataFrame({"a": [1]}), "s": {1}}, BlobStore(tmp_path), namespace=main)
    back = load_values(dumped.body, Blobs(tmp_path, dumped.small), main)
    assert back["s"] == {1}
    assert list(back["df"].a) == [1]
    with pytest.raises(CaptureRefused) as caught:
        capture_values({"a": threading.Lock(), "b": 1, "c": [].__iter__, "d": (i for i in ())},
                       BlobStore(tmp_path), namespace=main)
    assert [p.split()[0] for p in caught.value.problems] == ["a", "d"]


class Rude:
    """Its repr raises."""

    def __repr__(self) -> str:
        raise RuntimeError("no")


class Slow:
    """Its repr takes its time."""

    def __repr__(self) -> str:
        time.sleep(3)
        return "late"


@pytest.mark.parametrize("value", [
    0, -3, 10**400, 1.5, float("inf"), True, None, 2j, "short", "x" * 500, "\x00" * 89, b"bytes", bytearray(3),
    [1.0] * 60, {"a": [True, None]}, (1.5, (2.5,)), {1.5}, frozenset({True})])
def test_what_python_shows_is_shown_in_this_thread(value: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread with a time limit is for what somebody else wrote; numbers have the text of ``repr``."""
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a thread")

    monkeypatch.setattr(threading, "Thread", refuse)
    text = preview(value)
    if len(repr(value)) <= 200:
        assert text == repr(value)


def test_previews_are_bounded() -> None:
    """Text forms are short, quick and never raise."""
    assert preview({"a": list(range(1000))}).endswith("...]}")
    assert len(preview("x" * 10**6)) <= 2000
    assert len(preview(pd.DataFrame(np.zeros((1000, 50))))) <= 2000
    assert "repr raised RuntimeError" in preview(Rude())
    assert "repr raised RuntimeError" in preview([Rude()])
    start = time.monotonic()
    assert "took longer" in preview(Slow())
    assert time.monotonic() - start < 2.5
    assert preview(object()).startswith("<object object")
