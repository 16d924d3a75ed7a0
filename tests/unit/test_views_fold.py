"""Output rows become notebook outputs; followers see each part once."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tether_lab.views.fold import Fold, as_terminal, fold, plain, tail
from tether_lab.views.following import Following, unseen


def stream(text: str, name: str = "stdout") -> dict[str, Any]:
    """A row of text."""
    return {"k": "stream", "name": name, "text": text}


def display(text: str, **more: Any) -> dict[str, Any]:
    """A row of rich output."""
    return {"k": "display_data", "data": {"text/plain": text}, "metadata": {}, **more}


def validated(rows: list[Any]) -> list[dict[str, Any]]:
    """The folded outputs, after nbformat had a look at them in a notebook."""
    import nbformat

    outputs = fold(rows)
    cell = nbformat.v4.new_code_cell(outputs=[nbformat.from_dict(o) for o in outputs])
    nbformat.validate(nbformat.v4.new_notebook(cells=[cell]))
    return outputs


ERROR = {"k": "error", "ename": "ValueError", "evalue": "no", "traceback": ["\x1b[31mValueError\x1b[0m: no"]}
RESULT = {"k": "execute_result", "data": {"text/plain": "3", "application/json": {"a": 1}}, "metadata": {}}


def test_streams_of_one_name_merge_in_order() -> None:
    """Text arrives in batches and is one output a stream, unless something stands between."""
    outputs = validated([stream("a"), stream("b\n"), stream("e", "stderr"), stream("c"), display("d"),
                         stream("f")])
    assert [o.get("text") for o in outputs] == ["ab\n", "e", "c", None, "f"]


def test_results_and_errors_are_valid_outputs() -> None:
    """execute_result and error have all that nbformat demands."""
    outputs = validated([RESULT, ERROR])
    assert [o["output_type"] for o in outputs] == ["execute_result", "error"]
    assert outputs[0]["execution_count"] is None


def test_clear_output_clears_at_once_or_with_the_next_output() -> None:
    """wait=True keeps the old output until there is a new one."""
    assert validated([stream("a"), {"k": "clear_output", "wait": False}]) == []
    waiting = [stream("a"), {"k": "clear_output", "wait": True}]
    assert [o["text"] for o in validated(waiting)] == ["a"]
    assert [o["text"] for o in validated([*waiting, stream("b")])] == ["b"]


def test_updates_change_what_they_refer_to() -> None:
    """Every display of an id gets the newest look; unknown ids change nothing."""
    update = {**display("new", id="d"), "k": "update_display_data"}
    outputs = validated([display("old", id="d"), display("old", id="d"), display("x"), update,
                         {**update, "id": "unknown"}])
    assert [o["data"]["text/plain"] for o in outputs] == ["new", "new", "x"]


def test_rows_come_as_tuples_texts_or_objects() -> None:
    """fold takes what the queue's read returns."""
    assert fold([(1, 1, json.dumps(stream("a"))), json.dumps(stream("b")), stream("c")])[0]["text"] == "abc"


def test_a_fold_can_be_read_midway() -> None:
    """outputs() is a picture of that moment."""
    folding = Fold()
    folding.add(stream("a"))
    early = folding.outputs()
    folding.add(stream("b"))
    assert (early[0]["text"], folding.outputs()[0]["text"]) == ("a", "ab")
    folding.add({"k": "something new"})
    assert len(folding.outputs()) == 1


@pytest.mark.parametrize(("text", "left"), [
    ("a\r\nb", "a\nb"), ("10%\r20%\r100%\n", "100%\n"), ("abc\rX", "Xbc"), ("abc\r", "abc"),
    ("ab\b\bx", "xb"),
    ("\x1b[31mred\x1b[0m\r\x1b[32mgreen\x1b[0m", "\x1b[32mgreen\x1b[0m"), ("\r\rx\n\ry", "x\ny"),
])
def test_text_stands_as_a_terminal_leaves_it(text: str, left: str) -> None:
    """Carriage returns overwrite, backspaces go back, also over the border of two batches."""
    assert as_terminal(text) == left
    assert "".join(o["text"] for o in validated([stream(c) for c in text])) == left


def test_plain_has_no_codes() -> None:
    """Colours, links, bells and direction marks are gone, text and line ends stay."""
    assert plain("\x1b[1;31mred\x1b[0m\n\x1b]8;;http://x\x07link\x07\u202e") == "red\nlink"
    assert tail([{"output_type": "stream", "name": "stdout", "text": "a\nb\nc\n"}], lines=2) == "b\nc"


def rows(*bodies: dict[str, Any], epoch: int = 1, start: int = 1) -> list[tuple[int, int, str]]:
    """Rows as read from the queue."""
    return [(start + i, epoch, json.dumps(body)) for i, body in enumerate(bodies)]


def test_a_follower_sees_each_row_once() -> None:
    """Reading from the mark again brings only what is new, although the last row is read twice."""
    following = Following()
    first = rows(stream("a"), display("d"))
    assert [b["k"] for b in following.news(first)] == ["stream", "display_data"]
    assert following.after == (1, 2)
    assert following.news(rows(stream("b"), start=3))[0]["text"] == "b"
    assert following.after == (1, 2)            # the newest text may still be rewritten
    assert following.news(rows(stream("b"), start=3)) == []


def test_rewritten_text_continues_where_it_was() -> None:
    """The moving end of a capped output is shown as it grows, also when its start was dropped."""
    following = Following()
    following.news(rows(stream("one two ")))
    (body,) = following.news(rows(stream("one two three")))
    assert body["text"] == "three"
    (body,) = following.news(rows(stream("[… not kept …]\ntwo three four")))
    assert body["text"] in (" four", "[… not kept …]\ntwo three four")
    assert unseen("abc def", "[cut]\nc def ghi") in ("[cut]\nc def ghi", " ghi")
    assert unseen("x" * 500 + "end", "[cut]\n" + "x" * 450 + "end more") == " more"


def test_rewritten_updates_are_shown() -> None:
    """The newest look of a display is shown although its row is old."""
    following = Following()
    update = {**display("1", id="d"), "k": "update_display_data"}
    following.news(rows(display("0", id="d"), update, stream("x")))
    assert following.after == (1, 1)
    bodies = following.news(rows({**update, "data": {"text/plain": "2"}}, stream("x"), start=2))
    assert [b["data"]["text/plain"] for b in bodies] == ["2"]


def test_another_attempt_is_announced() -> None:
    """A retry starts a new output; the follower is told, and late rows of the old one are dropped."""
    following = Following()
    following.news(rows(stream("a")))
    bodies = following.news([*rows(stream("late"), start=9), *rows(stream("b"), epoch=2)])
    assert [b["k"] for b in bodies][-2:] == ["attempt", "stream"]
    assert following.news(rows(stream("older"), start=10)) == []
