"""Cards and tables as plain text: terminals, consoles, and wherever HTML is not shown."""

from __future__ import annotations

import shutil
import unicodedata

from .bars import BarView
from .board import Card
from .phrases import brief, count
from .tables import Table

SIGNS = {"waiting": "◌", "running": "▶", "retrying": "↻", "good": "✔", "bad": "✘", "ended": "■"}
"""One sign a colour role, so that colour is never the only one."""

_EIGHTHS = " ▏▎▍▌▋▊▉█"


def draw_card(card: Card, *, full: bool = False) -> str:
    """A card in a few lines; ``full`` adds attempts, options, timings, provenance, traceback."""
    lines = [f"{SIGNS[card.role]} {card.title} #{card.job_id}  {said(card)}"]
    lines += _indented(card.parameters, card.description, " ".join(f"#{t}" for t in card.tags))
    lines += [f"  {_bar(bar)}" for bar in card.bars]
    if card.more_bars:
        lines.append(f"  and {count(card.more_bars, 'more bar')}")
    if card.error:
        lines += _indented(card.error.line, card.error.remedy)
    if card.tail:
        lines += [f"  | {line}" for line in card.tail.split("\n")]
    if card.result:
        lines.append(f"  result {card.result}")
    if card.captured:
        lines.append(f"  captured {card.captured}")
    lines += [f"  note: {notice}" for notice in card.notices]
    lines += [f"  warning: {warning}" for warning in card.warnings]
    if card.options:
        lines.append("  " + ", ".join(f"{name} {words}" for name, words in card.options))
    if full:
        lines += _details(card)
    lines.append("  " + " · ".join([*card.hints, card.as_of]))
    return "\n".join(lines)


def said(card: Card) -> str:
    """Status and headline as one phrase: ``completed in 3.2 s``, ``pending, waits for …``."""
    joins = card.headline.startswith(("in ", "for ", "after ", "before "))
    return f"{card.status}{' ' if joins else ', '}{card.headline}"


def _details(card: Card) -> list[str]:
    lines = [f"  {label}: {text}" for label, text in (*card.timings, *card.provenance)]
    for attempt in card.attempts:
        parts = [f"attempt {attempt.number}", attempt.outcome, attempt.started, attempt.took,
                 attempt.used, attempt.error]
        lines.append("  " + " · ".join(part for part in parts if part))
    lines += [f"  took {c.name}: {c.type}, {c.size}, {c.why}" for c in card.captures]
    if card.error and card.error.traceback:
        lines += ["", *(f"  {line}" for line in card.error.traceback.split("\n")), ""]
    return lines


def _indented(*texts: str) -> list[str]:
    return [f"  {text}" for text in texts if text]


def _bar(bar: BarView) -> str:
    label = f"{bar.label} " if bar.label else ""
    if bar.fraction is None:
        return f"{label}{bar.text}".rstrip()
    return f"{label}{_blocks(bar.fraction, 20)} {bar.percent}  {bar.text}".rstrip()


def _blocks(fraction: float, width: int) -> str:
    eighths = round(fraction * width * 8)
    full, rest = divmod(eighths, 8)
    return ("█" * full + (_EIGHTHS[rest] if rest else "")).ljust(width, "·")


def draw_table(table: Table, *, width: int | None = None) -> str:
    """A table in columns, cut to ``width`` characters (default: the terminal's)."""
    if not table.rows:
        return table.empty
    width = width or max(60, shutil.get_terminal_size((110, 24)).columns)
    texts = [[_signed(cell.text, cell.role) for cell in row] for row in table.rows]
    keep = [i for i in range(len(table.columns)) if table.columns[i] or any(row[i] for row in texts)]
    keep = [i for i in keep if any(row[i] for row in texts)]
    names = [table.columns[i] for i in keep]
    rows = [[row[i] for i in keep] for row in texts]
    widths = [max(_width(text) for text in [name, *column])
              for name, column in zip(names, zip(*rows, strict=True), strict=True)]
    _shrink(widths, width - 2 * (len(widths) - 1))
    lines = [_row(names, names, widths, table.right)]
    lines += [_row(row, names, widths, table.right) for row in rows]
    if table.note:
        lines.append(table.note)
    return "\n".join(lines)


def _signed(text: str, role: str) -> str:
    return f"{SIGNS[role]} {text}" if role else text


def _shrink(widths: list[int], room: int) -> None:
    """Take from the widest column until all fit (none below 6)."""
    while sum(widths) > room and max(widths) > 6:
        widest = widths.index(max(widths))
        widths[widest] -= 1


def _row(row: list[str], names: list[str], widths: list[int], right: frozenset[str]) -> str:
    cells = []
    for text, name, width in zip(row, names, widths, strict=True):
        cut = text if _width(text) <= width else brief(text, width)
        room = " " * max(0, width - _width(cut))
        cells.append(room + cut if name in right else cut + room)
    return "  ".join(cells).rstrip()


def _width(text: str) -> int:
    """Columns that a terminal needs for ``text``."""
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
               for c in text)
