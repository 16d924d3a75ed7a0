"""What the worker keeps of an attempt's output."""

from __future__ import annotations

import json

import pytest

from tether_lab.runner import wire
from tether_lab.worker.output import Output, collapse


class Rows:
    """The rows as the queue would hold them."""

    def __init__(self) -> None:
        self.rows: dict[int, dict[str, object]] = {}

    def write(self, output: Output) -> None:
        rows, replace = output.take()
        if replace:
            self.rows.clear()
        self.rows.update({seq: json.loads(body) for seq, body in rows})

    @property
    def bodies(self) -> list[dict[str, object]]:
        return [self.rows[seq] for seq in sorted(self.rows)]

    @property
    def text(self) -> str:
        return "".join(str(b["text"]) for b in self.bodies if b["k"] == "stream")


def test_adjacent_text_of_one_stream_becomes_one_row() -> None:
    """Four writes, two streams, three rows in the order they came."""
    output, rows = Output(1000, 100), Rows()
    for name, text in (("stdout", "a"), ("stdout", "b"), ("stderr", "c"), ("stdout", "d")):
        output.text(name, text)
    rows.write(output)
    assert [(b["name"], b["text"]) for b in rows.bodies] == [("stdout", "ab"), ("stderr", "c"), ("stdout", "d")]
    assert not output.pending


def test_the_head_is_kept_and_the_tail_moves_in_one_row() -> None:
    """A million lines leave the first part, a notice and the last part, in a handful of rows."""
    output, rows = Output(10_000, 2_000), Rows()
    lines = [f"line {i}\n" for i in range(20_000)]
    for at in range(0, len(lines), 100):
        output.text("stdout", "".join(lines[at:at + 100]))
        if at % 1000 == 0:
            rows.write(output)
    rows.write(output)
    assert rows.text.startswith("line 0\nline 1\n")
    assert rows.text.endswith("line 19998\nline 19999\n")
    assert "not kept; raise with --max-output" in rows.text
    assert len(rows.text) < 12_300
    assert len(rows.rows) < 25


def test_the_notice_counts_exactly_what_is_missing() -> None:
    """Characters kept and characters dropped add up to what was printed."""
    output, rows = Output(1000, 500), Rows()
    for _ in range(100):
        output.text("stdout", "x" * 99 + "\n")
    rows.write(output)
    notice = next(line for line in rows.text.splitlines() if "not kept" in line)
    dropped = int(notice.split()[1].replace(",", ""))
    kept = len(rows.text) - len(notice) - 2
    assert kept + dropped == 10_000


def test_a_display_after_the_tail_began_stays_between_its_texts() -> None:
    """The tail follows the order of what was shown."""
    output, rows = Output(10, 1000), Rows()
    output.text("stdout", "0123456789")
    output.text("stdout", "before ")
    output.receive(wire.Display("display_data", {"text/plain": "figure"}, {}))
    output.text("stdout", "after")
    rows.write(output)
    assert [b.get("text", b["k"]) for b in rows.bodies] == ["0123456789", "before ", "display_data", "after"]


@pytest.mark.row(18)
def test_one_text_without_a_newline_larger_than_everything_is_cut() -> None:
    """A gigabyte without a line end leaves head and tail."""
    output, rows = Output(1000, 500), Rows()
    for _ in range(50):
        output.text("stdout", "y" * 100_000)
        assert output.pending
        rows.write(output)
    assert len(rows.text) < 1600


def test_rich_outputs_are_counted_and_weighed() -> None:
    """At most 200 of them, none above 10 MB, and both refusals are said."""
    output, rows = Output(1000, 500), Rows()
    output.receive(wire.Display("display_data", {"image/png": "x" * 11_000_000, "text/html": "<b>"}, {}))
    for i in range(300):
        output.receive(wire.Display("display_data", {"text/plain": str(i)}, {}))
    rows.write(output)
    assert rows.bodies[0]["data"] == {"text/plain": "[image/png of 11 MB not kept]", "text/html": "<b>"}
    assert sum(b["k"] == "display_data" for b in rows.bodies) == 200
    assert "more than 200 rich outputs" in rows.text


def test_clear_output_replaces_what_was_written() -> None:
    """A loop of clear and show keeps the newest alone, however long it runs."""
    output, rows = Output(1000, 500), Rows()
    for i in range(1000):
        output.receive(wire.ClearOutput(wait=True))
        output.receive(wire.Display("display_data", {"text/plain": str(i)}, {}))
        if i % 7 == 0:
            rows.write(output)
    rows.write(output)
    assert [b["k"] for b in rows.bodies] == ["clear_output", "display_data"]
    assert rows.bodies[-1]["data"] == {"text/plain": "999"}


def test_clear_with_wait_and_nothing_after_it_clears_nothing() -> None:
    """As in a notebook: the old output stays until there is a new one."""
    output, rows = Output(1000, 500), Rows()
    output.text("stdout", "kept")
    output.receive(wire.ClearOutput(wait=True))
    rows.write(output)
    assert rows.text == "kept"


def test_updates_of_one_display_rewrite_one_row() -> None:
    """A figure redrawn a thousand times costs two rows."""
    output, rows = Output(1000, 500), Rows()
    output.receive(wire.Display("display_data", {"text/plain": "0"}, {}, "fig"))
    for i in range(1000):
        output.receive(wire.Display("update_display_data", {"text/plain": str(i)}, {}, "fig"))
        if i % 9 == 0:
            rows.write(output)
    rows.write(output)
    assert len(rows.rows) == 2
    assert rows.bodies[1]["data"] == {"text/plain": "999"}


def test_what_could_not_be_written_comes_again() -> None:
    """A full disk loses no text: newer words of the same row win."""
    output, rows = Output(10, 100), Rows()
    output.text("stdout", "0123456789")
    output.text("stdout", "tail one ")
    output.restore(*output.take())
    output.text("stdout", "tail two")
    rows.write(output)
    assert rows.text == "0123456789tail one tail two"


@pytest.mark.row(18)
@pytest.mark.parametrize(("text", "left"), [
    ("plain\n", "plain\n"), ("a\rb", "\rb"), ("10%\r20%\r30%", "\r30%"), ("10%\r20%\r", "\r20%\r"),
    ("dos\r\nline\r\n", "dos\r\nline\r\n"), ("a\rb\nc\rd\n", "\rb\n\rd\n"),
    ("dos\r\r\nthrough a terminal\r\r\n", "dos\r\r\nthrough a terminal\r\r\n"),
    ("abc\rd", "abc\rd"), ("a\rbcd\ref\rg", "\rgfd"), ("\x1b[1mred\x1b[0m\rb", "\x1b[1mred\x1b[0m\rb"),
])
def test_carriage_returns_drop_what_they_overwrite(text: str, left: str) -> None:
    """Redrawn bars do not fill the head."""
    assert collapse(text) == left
