"""The rows of a job's output, folded into nbformat v4 outputs: what a plain cell would show.

Streams of one name merge, carriage returns and backspaces act as on a terminal, ``clear_output``
clears (at once, or with the next output), display updates change what they refer to.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

Output = dict[str, Any]


class Fold:
    """Takes rows one by one; ``outputs()`` at any moment is what the cell shows then."""

    def __init__(self) -> None:
        self._outputs: list[Output] = []
        self._displayed: dict[str, list[Output]] = {}
        self._clear_next = False

    def add(self, row: Mapping[str, Any]) -> None:
        """One row as the queue stores it: ``{"k": "stream", "name": …, "text": …}`` and so on.
        Rows of a kind that this version does not know are left out."""
        kind = row["k"]
        if kind == "clear_output":
            self._clear_next = bool(row.get("wait"))
            if not self._clear_next:
                self._clear()
            return
        if kind == "update_display_data":
            for shown in self._displayed.get(row.get("id") or "", ()):
                shown["data"], shown["metadata"] = dict(row["data"]), dict(row.get("metadata") or {})
            return
        if self._clear_next:
            self._clear()
        if kind == "stream":
            self._stream(str(row["name"]), str(row["text"]))
        elif kind in ("display_data", "execute_result"):
            self._display(kind, row)
        elif kind == "error":
            self._outputs.append({"output_type": "error", "ename": str(row["ename"]),
                                  "evalue": str(row["evalue"]), "traceback": list(row["traceback"])})

    def outputs(self) -> list[Output]:
        """The outputs so far, as values of their own (later rows do not change them)."""
        folded = []
        for output in self._outputs:
            copy = dict(output)
            if copy["output_type"] == "stream":
                copy["text"] = as_terminal("".join(output["text"]))
                if not copy["text"]:
                    continue
            folded.append(copy)
        return folded

    def _clear(self) -> None:
        self._outputs.clear()
        self._displayed.clear()
        self._clear_next = False

    def _stream(self, name: str, text: str) -> None:
        last = self._outputs[-1] if self._outputs else None
        if last is not None and last["output_type"] == "stream" and last["name"] == name:
            last["text"].append(text)
        else:
            self._outputs.append({"output_type": "stream", "name": name, "text": [text]})

    def _display(self, kind: str, row: Mapping[str, Any]) -> None:
        output: Output = {"output_type": kind, "data": dict(row["data"]),
                          "metadata": dict(row.get("metadata") or {})}
        if kind == "execute_result":
            output["execution_count"] = None
        self._outputs.append(output)
        if row.get("id"):
            self._displayed.setdefault(str(row["id"]), []).append(output)


def fold(rows: Iterable[object]) -> list[Output]:
    """The outputs of ``rows``: bodies (JSON texts or objects), or tuples that end with a body."""
    folding = Fold()
    for row in rows:
        folding.add(body_of(row))
    return folding.outputs()


def body_of(row: object) -> Mapping[str, Any]:
    """The body of one row, whether it came as a tuple, a text or an object."""
    body = row[-1] if isinstance(row, tuple) else row
    if isinstance(body, str):
        body = json.loads(body)
    assert isinstance(body, Mapping), "a row's body is a JSON object"
    return body


def as_terminal(text: str) -> str:
    r"""``text`` as a terminal leaves it: ``\r`` goes back to the start of the line and what follows
    overwrites, ``\b`` takes one character back. Colour codes count as characters of no width."""
    if "\r" not in text and "\b" not in text:
        return text
    return "\n".join(_line(line) if "\r" in line or "\b" in line else line
                     for line in text.replace("\r\n", "\n").split("\n"))


def _line(line: str) -> str:
    cells: list[str] = []
    for segment in line.split("\r"):
        if not segment:
            continue
        if "\x1b" in segment:              # colours: keep the last writing whole, do not mix two
            cells = list(segment)
            continue
        at = 0
        for character in segment:
            if character == "\b":
                at = max(0, at - 1)
            elif at < len(cells):
                cells[at] = character
                at += 1
            else:
                cells.append(character)
                at += 1
    return "".join(cells)


def plain(text: str) -> str:
    """``text`` without terminal escape codes, control characters and marks that turn its direction."""
    without = re.sub(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|.)", "", text)
    return re.sub(r"[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]", "", without)


def tail(outputs: Iterable[Output], lines: int = 6) -> str:
    """The last lines of text among ``outputs``: a glimpse for cards and tables."""
    text = "".join(o["text"] for o in outputs if o["output_type"] == "stream")
    return "\n".join(plain(text).rstrip().split("\n")[-lines:])
