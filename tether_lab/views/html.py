"""Cards and tables as HTML with inline style: no script, no class, no outside file.

Surfaces and text take JupyterLab's theme variables, and inherit where there are none, so a card is
readable on light and dark pages. Where style is removed (GitHub) the words still stand in order.
"""

from __future__ import annotations

from collections.abc import Sequence

from .bars import BarView
from .board import AttemptView, Card
from .markup import Markup, join, tag
from .phrases import count
from .tables import Table
from .text import SIGNS

COLOURS = {"waiting": "#57606a", "running": "#0b6bcb", "retrying": "#96650a", "good": "#1a7f37",
           "bad": "#c62828", "ended": "#6b6f76"}
"""Solid colours under white text, each at least 4.5 : 1."""

_LINE = "var(--jp-border-color2,rgba(128,128,128,.35))"
_CODE = "var(--jp-code-font-family,ui-monospace,SFMono-Regular,Menlo,Consolas,monospace)"
_FONT = "var(--jp-content-font-family,system-ui,-apple-system,'Segoe UI',Roboto,sans-serif)"
_SMALL = "font-size:12px;line-height:1.5"
_SOFT = "color:var(--jp-content-font-color2,inherit);opacity:.85"
_WRAP = "overflow-wrap:anywhere"
_BARE = "background:none;padding:0"
_CELL = f"padding:3px 10px 3px 0;text-align:left;vertical-align:top;border:0;background:none;{_WRAP}"


def card_html(card: Card, *, full: bool = False) -> Markup:
    """A card; ``full`` opens its details."""
    frame = (f"border:1px solid {_LINE};border-left:4px solid {COLOURS[card.role]};border-radius:4px;"
             f"padding:8px 12px;margin:2px 0;max-width:760px;box-sizing:border-box;{_WRAP};"
             "color:var(--jp-content-font-color1,inherit);"
             f"font-family:{_FONT};font-size:13px;line-height:1.5")
    return tag(
        "div", _header(card), _subtitle(card), *map(_bar, card.bars),
        _small(f"and {count(card.more_bars, 'more bar')}") if card.more_bars else "",
        _error(card, full), _tail(card), _line("result", card.result, code=True),
        *(_line("note", notice) for notice in card.notices),
        *(_line("warning", warning) for warning in card.warnings),
        _captured(card, full), _options(card), _attempts(card, full), _details(card, full),
        _footer(card),
        style=frame, role="group", aria_label=f"Job {card.job_id}, {card.title}, {card.status}")


def _header(card: Card) -> Markup:
    title = tag("strong", card.title, style=f"font-size:14px;{_WRAP}", title=card.key)
    number = tag("span", f" #{card.job_id} ", style=_SOFT)
    return tag("div", title, number, _badge(card.status, card.role), join(" "),
               tag("span", card.headline),
               style="display:flex;flex-wrap:wrap;align-items:baseline;gap:2px 8px")


def _badge(text: str, role: str) -> Markup:
    sign = tag("span", f"{SIGNS[role]} ", aria_hidden="true")
    return tag("span", sign, text,
               style=f"background-color:{COLOURS[role]};color:#ffffff;border-radius:9px;padding:0 8px;"
                     "font-size:12px;line-height:1.5;font-weight:600;white-space:nowrap")


def _subtitle(card: Card) -> Markup:
    said = [tag("div", tag("code", card.parameters, style=f"{_mono()};{_BARE}"))
            if card.parameters else "",
            tag("div", card.description) if card.description else ""]
    if card.tags:
        chip = f"border:1px solid {_LINE};border-radius:9px;padding:0 7px;margin-right:4px;{_SMALL}"
        said.append(tag("div", *(join(tag("span", name, style=chip), " ") for name in card.tags)))
    return join(*said)


def _mono() -> str:
    return f"font-family:{_CODE};font-size:12px;color:inherit;{_WRAP}"


def _bar(bar: BarView) -> Markup:
    label = tag("span", bar.label, style=_WRAP) if bar.label else Markup()
    said = " · ".join(part for part in (bar.percent, bar.text) if part)
    head = tag("div", label, join(" ") if bar.label else "",
               tag("span", said, style=f"font-variant-numeric:tabular-nums;{_SOFT}"),
               style=f"display:flex;flex-wrap:wrap;justify-content:space-between;gap:0 12px;{_SMALL}")
    if bar.fraction is None:
        return tag("div", head, style="margin:5px 0")
    width = f"{bar.fraction * 100:.1f}"
    fill = tag("div", style=f"width:{width}%;height:6px;border-radius:3px;"
                            f"background-color:{COLOURS['running']}")
    track = tag("div", fill, style="height:6px;border-radius:3px;margin-top:2px;overflow:hidden;"
                                   "background-color:rgba(128,128,128,.28)",
                role="progressbar", aria_valuemin="0", aria_valuemax="100",
                aria_valuenow=width, aria_label=bar.label or "progress")
    return tag("div", head, track, style="margin:5px 0")


def _error(card: Card, full: bool) -> Markup:
    if card.error is None:
        return Markup()
    box = (f"border-left:3px solid {COLOURS['bad']};background-color:rgba(198,40,40,.09);"
           "padding:4px 8px;margin:6px 0;border-radius:2px")
    line = tag("code", card.error.line, style=f"{_mono()};{_BARE};font-weight:600")
    parts = [tag("div", line)]
    if card.error.remedy:
        parts.append(tag("div", card.error.remedy, style=_SMALL))
    if card.error.traceback:
        parts.append(_fold("traceback", pre(card.error.traceback), full))
    return tag("div", *parts, style=box)


def pre(text: str) -> Markup:
    """Text as it is, in a box that scrolls."""
    return tag("pre", text, tabindex="0", style=f"{_mono()};white-space:pre-wrap;margin:4px 0;padding:6px 8px;"
                                  "border-radius:3px;background-color:rgba(128,128,128,.12);"
                                  "max-height:340px;overflow:auto;line-height:1.4")


def _tail(card: Card) -> Markup:
    return pre(card.tail) if card.tail else Markup()


def _fold(summary: str, body: Markup, is_open: bool = False) -> Markup:
    head = tag("summary", summary, style=f"cursor:pointer;{_SMALL};{_WRAP}")
    return tag("details", head, body, open="" if is_open else None, style="margin:2px 0")


def _small(text: str) -> Markup:
    return tag("div", text, style=f"{_SMALL};{_SOFT}")


def _line(label: str, text: str, *, code: bool = False) -> Markup:
    if not text:
        return Markup()
    value = tag("code", text, style=f"{_mono()};{_BARE}") if code else join(text)
    name = tag("strong", f"{label} ", style="font-weight:600")
    return tag("div", name, value, style=f"{_SMALL};margin:2px 0")


def _captured(card: Card, full: bool) -> Markup:
    if not card.captures:
        return _small(f"captured {card.captured}") if card.captured else Markup()
    rows = [(c.name, c.type, c.size, c.why) for c in card.captures]
    return _fold(f"captured {card.captured}", _grid(("variable", "type", "size", "why"), rows), full)


def _options(card: Card) -> Markup:
    if not card.options:
        return Markup()
    return _small(", ".join(f"{name} {words}" for name, words in card.options))


def _attempts(card: Card, full: bool) -> Markup:
    if len(card.attempts) < 2:
        return Markup()
    rows = [(str(a.number), _outcome(a), a.started, a.took, a.used, a.error) for a in card.attempts]
    return _fold(count(len(rows), "attempt"),
                 _grid(("", "ended", "started", "took", "used", "error"), rows), full)


def _outcome(attempt: AttemptView) -> str:
    return f"{SIGNS[attempt.role]} {attempt.outcome}"


def _details(card: Card, full: bool) -> Markup:
    rows = [*card.timings, *card.provenance]
    if len(card.attempts) == 1:
        only = card.attempts[0]
        rows.append(("attempt", ", ".join(t for t in (_outcome(only), only.took, only.used) if t)))
    return _fold("details", _grid((), rows), full) if rows else Markup()


def _grid(columns: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> Markup:
    """A small table; columns in which nobody says anything are left out."""
    width = len(rows[0])
    keep = [i for i in range(width) if any(row[i] for row in rows)]
    head = (tag("thead", tag("tr", *(tag("th", columns[i], scope="col",
                                         style=f"{_CELL};font-weight:600") for i in keep)))
            if columns else "")
    body = tag("tbody", *(tag("tr", *(tag("td", row[i], style=_CELL) for i in keep),
                              style="background:none") for row in rows))
    drawn = tag("table", head, body,
                style=f"border-collapse:collapse;border:0;margin:2px 0 4px;{_SMALL}")
    return tag("div", drawn, style="overflow-x:auto")


def _footer(card: Card) -> Markup:
    said = " · ".join([*card.hints, card.as_of])
    return tag("div", said, style=f"margin-top:4px;{_SMALL};{_SOFT}")


def table_html(table: Table) -> Markup:
    """A table. An empty one is its sentence."""
    font = f"font-family:{_FONT};color:var(--jp-content-font-color1,inherit)"
    if not table.rows:
        return tag("div", table.empty, style=f"{font};font-size:13px")
    keep = [i for i in range(len(table.columns)) if any(row[i].text for row in table.rows)]
    edge = f"border-bottom:1px solid {_LINE}"
    head = tag("tr", *(tag("th", table.columns[i], scope="col", style=_th(table, i)) for i in keep))
    body = []
    for row in table.rows:
        cells = [tag("td", _badge(row[i].text, row[i].role) if row[i].role else row[i].text,
                     style=f"{_td(table, i)};{edge}") for i in keep]
        body.append(tag("tr", *cells, style="background:none"))
    drawn = tag("table", tag("thead", head), tag("tbody", *body), aria_label=table.title,
                style="border-collapse:collapse;border:0;margin:2px 0;font-size:12px;line-height:1.5")
    note = _small(table.note) if table.note else ""
    return tag("div", tag("div", drawn, style="overflow-x:auto"), note, style=font)


def _td(table: Table, index: int) -> str:
    side = "right" if table.columns[index] in table.right else "left"
    tabular = ";font-variant-numeric:tabular-nums" if side == "right" else ""
    return (f"padding:3px 14px 3px 0;text-align:{side};vertical-align:top;background:none;"
            f"border:0;max-width:28em;{_WRAP}{tabular}")


def _th(table: Table, index: int) -> str:
    return f"{_td(table, index)};font-weight:600;white-space:nowrap;border-bottom:1px solid {_LINE}"
