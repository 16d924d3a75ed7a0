"""What one attempt said, in order, bounded: the rows that the queue keeps of it.

The first ``head`` characters of text are kept as they come, a row a batch. After that only the last
``tail`` characters are kept, in rows that are rewritten while the job goes on, with a notice of how
much was dropped. Rich outputs are counted and weighed. ``clear_output`` replaces everything before.
Nothing here knows a database: ``take`` hands over what must be written next.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any

import msgspec

from tether_lab.runner import wire

RICH_OUTPUTS = 200
LARGEST_RICH = 10_000_000
SEGMENTS = 64
URGENT = 4_000_000
_encode = msgspec.json.Encoder().encode

Rows = list[tuple[int, str]]


@dataclass(slots=True)
class _Segment:
    """Text of one stream at the moving end of the output: one row, rewritten."""

    seq: int
    name: str
    parts: deque[str] = field(default_factory=deque)
    length: int = 0


class Output:
    """The output of one attempt. ``head`` and ``tail`` are characters."""

    def __init__(self, head: int, tail: int) -> None:
        self._head, self._tail = head, tail
        self._seq = 0
        self._replace = False
        self._clear_at_next = False
        self._begin()

    def _begin(self) -> None:
        self._used = self._rich = self._tail_length = 0
        self._dropped = self._dropped_lines = 0
        self._rows: dict[int, dict[str, Any]] = {}
        self._texts: dict[int, list[str]] = {}
        self._open: tuple[int, str] | None = None
        self._segments: list[_Segment] = []
        self._dirty: dict[int, _Segment] = {}
        self._updates: dict[str, int] = {}
        self._weight = 0

    # -- what the job says ---------------------------------------------------------------------

    def receive(self, message: wire.Stream | wire.Display | wire.ClearOutput | wire.ErrorOutput) -> None:
        """One frame of the job process."""
        match message:
            case wire.Stream(name=name, text=text):
                self.text(name, text)
            case wire.Display():
                self._display(message)
            case wire.ClearOutput(wait=wait):
                self._clear(wait)
            case wire.ErrorOutput():
                self._add({"k": "error", "ename": message.name, "evalue": message.value,
                           "traceback": list(message.traceback)})

    def text(self, name: str, text: str) -> None:
        """Text of ``stdout`` or ``stderr``, by the streams or by their file descriptors."""
        if not text:
            return
        self._clear_if_due()
        text = collapse(text)
        room = self._head - self._used
        if room > 0:
            kept = text if len(text) <= room else text[:_cut(text, room)]
            self._to_head(name, kept)
            self._used = self._used + len(kept) if len(text) <= room else self._head
            text = text[len(kept):]
        if text:
            self._to_tail(name, text)

    def _to_head(self, name: str, text: str) -> None:
        if self._open is None or self._open[1] != name:
            seq = self._next()
            self._rows[seq] = {"k": "stream", "name": name}
            self._texts[seq] = []
            self._open = seq, name
        self._texts[self._open[0]].append(text)
        self._weight += len(text)

    def _to_tail(self, name: str, text: str) -> None:
        last = self._segments[-1] if self._segments else None
        if last is None or last.seq < self._seq or (last.name != name and len(self._segments) < SEGMENTS):
            last = _Segment(self._next(), name)
            self._segments.append(last)
        if len(text) > self._tail:
            self._count_dropped(text[:-self._tail])
            text = text[-self._tail:]
        last.parts.append(text)
        last.length += len(text)
        self._tail_length += len(text)
        self._dirty[last.seq] = last
        self._drop()

    def _drop(self) -> None:
        """Forget the oldest text of the tail until it fits."""
        for segment in self._segments:
            while self._tail_length > self._tail and segment.parts:
                over = self._tail_length - self._tail
                part = segment.parts.popleft()
                gone = part if len(part) <= over else part[:over]
                if len(part) > over:
                    segment.parts.appendleft(part[over:])
                segment.length -= len(gone)
                self._tail_length -= len(gone)
                self._count_dropped(gone)
                self._dirty[segment.seq] = segment
            if self._tail_length <= self._tail:
                break
        if self._dropped:
            self._dirty[self._segments[0].seq] = self._segments[0]

    def _count_dropped(self, text: str) -> None:
        self._dropped += len(text)
        self._dropped_lines += text.count("\n")

    def _display(self, message: wire.Display) -> None:
        data, weight = _weighed(message.data)
        body = {"k": message.kind, "data": data, "metadata": message.metadata, "id": message.display_id}
        if message.kind == "update_display_data":
            seq = self._updates.get(message.display_id or "")
            if seq is None:
                self._updates[message.display_id or ""] = self._add(body)
            else:                  # only the newest look of a display counts: its row is rewritten
                self._rows[seq] = body
        else:
            self._clear_if_due()
            self._rich += 1
            if self._rich == RICH_OUTPUTS + 1:
                body = {"k": "stream", "name": "stderr",
                        "text": f"[more than {RICH_OUTPUTS} rich outputs: the rest is not kept]\n"}
            if self._rich > RICH_OUTPUTS + 1:
                return
            self._add(body)
        self._weight += weight

    def _clear(self, wait: bool) -> None:
        if wait:
            self._clear_at_next = True
        else:
            self._clear_now()

    def _clear_if_due(self) -> None:
        if self._clear_at_next:
            self._clear_now()

    def _clear_now(self) -> None:
        self._clear_at_next, self._replace = False, True
        self._begin()
        self._add({"k": "clear_output", "wait": False})

    def _add(self, body: dict[str, Any]) -> int:
        seq = self._next()
        self._rows[seq] = body
        self._open = None
        return seq

    def _next(self) -> int:
        self._seq += 1
        return self._seq

    # -- what must be written ------------------------------------------------------------------

    @property
    def pending(self) -> bool:
        return bool(self._rows or self._dirty)

    @property
    def replacing(self) -> bool:
        """What is pending replaces all rows written before."""
        return self._replace

    @property
    def urgent(self) -> bool:
        """So much is waiting in memory that it should be written at once."""
        return self._weight > URGENT

    @property
    def only_tail(self) -> bool:
        """Nothing but the moving end changed: worth writing less often."""
        return not self._rows and bool(self._dirty)

    def take(self) -> tuple[Rows, bool]:
        """Rows (seq, JSON) to write, and whether they replace all rows before them.

        What is taken is forgotten here; give it back with ``restore`` if it could not be written.
        """
        rows: Rows = []
        for seq, body in self._rows.items():
            if seq in self._texts:
                body["text"] = "".join(self._texts.pop(seq))
            rows.append((seq, _encode(body).decode()))
        rows += [(seq, self._segment_row(segment)) for seq, segment in self._dirty.items()]
        replace = self._replace
        self._rows, self._dirty, self._open, self._replace, self._weight = {}, {}, None, False, 0
        return sorted(rows), replace

    def restore(self, rows: Rows, replace: bool) -> None:
        """Take back what could not be written (a full disk): newer texts of the same row win."""
        self._replace = self._replace or replace
        older = {seq: msgspec.json.decode(body) for seq, body in rows
                 if seq not in self._rows and seq not in self._dirty}
        self._rows = older | self._rows

    def _segment_row(self, segment: _Segment) -> str:
        text = "".join(segment.parts)
        if len(segment.parts) > 1:
            segment.parts = deque([text])
        if segment is self._segments[0] and self._dropped:
            text = (f"\n[... {self._dropped:,} characters ({self._dropped_lines:,} lines) not kept; "
                    f"raise with --max-output ...]\n{text}")
        return _encode({"k": "stream", "name": segment.name, "text": text}).decode()


def _cut(text: str, room: int) -> int:
    """Where to cut so that a whole line ends the head, if there is one."""
    return text.rfind("\n", 0, room) + 1 or room


def _weighed(data: dict[str, Any]) -> tuple[dict[str, Any], int]:
    """A MIME bundle without what is too large, and how many characters it has."""
    kept: dict[str, Any] = {}
    total = 0
    for mime, value in data.items():
        weight = len(value) if isinstance(value, str) else len(_encode(value))
        if weight > LARGEST_RICH:
            kept.setdefault("text/plain", f"[{mime} of {weight / 1e6:.0f} MB not kept]")
        else:
            kept[mime] = value
            total += weight
    return kept, total


def collapse(text: str) -> str:
    """Drop what a carriage return overwrites, as in a terminal: bars that redraw a thousand times."""
    if "\r" not in text:
        return text
    return "\n".join(_collapsed(line) if "\r" in line else line for line in text.split("\n"))


def _collapsed(line: str) -> str:
    r"""Returns at the end of a line overwrite nothing yet (``\r\r\n`` ends a line of a DOS file that went
    through a terminal); a shorter text leaves the end of a longer one."""
    body = line.rstrip("\r")
    end = line[len(body):]
    first, *later = body.split("\r")
    if not later:
        return line
    shown = later[0]
    for piece in later[1:]:
        shown = piece if "\x1b" in line else piece + shown[len(piece):]     # nobody knows the width of colours
    return (first if len(first) > len(shown) else "") + "\r" + shown + end
