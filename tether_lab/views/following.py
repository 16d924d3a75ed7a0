"""What is new in a job's output since the last look, for whoever follows it live.

Rows are appended, but two kinds are also rewritten: the newest text once the output is capped, and
the newest look of a display. ``Following`` remembers which, asks for them again, and turns a
rewritten text into the part of it that was not shown yet. Pure: it is handed what was read.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

OVERLAP = 400
"""Characters of what was shown last that are looked for in a rewritten text."""

Row = tuple[int, int, str]


class Following:
    """Feed it the rows read ``after`` its mark; get back the bodies to show, in order."""

    def __init__(self) -> None:
        self.epoch = 0
        self._last = -1
        self._rewritable: dict[int, Mapping[str, Any]] = {}

    @property
    def after(self) -> tuple[int, int]:
        """(epoch, seq): read the rows behind it. Rows that may have been rewritten lie behind it."""
        return self.epoch, min([self._last, *(seq - 1 for seq in self._rewritable)])

    def news(self, rows: Iterable[Row]) -> list[Mapping[str, Any]]:
        """The bodies to show for ``(seq, epoch, body)`` rows, ordered by epoch and seq. The first
        row of another attempt is preceded by ``{"k": "attempt", "epoch": …}``."""
        bodies: list[Mapping[str, Any]] = []
        for seq, epoch, text in rows:
            if epoch < self.epoch:
                continue
            if epoch > self.epoch:
                if self.epoch:
                    bodies.append({"k": "attempt", "epoch": epoch})
                self.epoch, self._last, self._rewritable = epoch, -1, {}
            body = json.loads(text)
            if seq > self._last:
                bodies.append(body)
                self._passed(seq, body)
            elif seq in self._rewritable:
                bodies += self._again(seq, body)
        return bodies

    def _passed(self, seq: int, body: Mapping[str, Any]) -> None:
        self._last = seq
        self._rewritable = {s: b for s, b in self._rewritable.items() if b["k"] != "stream"}
        if body["k"] == "clear_output":
            self._rewritable = {}
        if body["k"] in ("stream", "update_display_data"):
            self._rewritable[seq] = body

    def _again(self, seq: int, body: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        before = self._rewritable[seq]
        if body == before:
            return []
        self._rewritable[seq] = body
        if body["k"] != "stream" or before["k"] != "stream":
            return [body]
        fresh = unseen(str(before["text"]), str(body["text"]))
        return [{**body, "text": fresh}] if fresh else []


def unseen(before: str, now: str) -> str:
    """The part of ``now`` that follows what ``before`` ended with; all of it if they do not meet."""
    if now.startswith(before):
        return now[len(before):]
    end = before[-OVERLAP:]
    at = now.rfind(end) if end else -1
    return now if at < 0 else now[at + len(end):]
