"""The one look of all figures."""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Iterable
from functools import cache
from typing import Any, Literal

import plotly.graph_objects as go

from tether_lab.errors import BadRequest
from tether_lab.job.duration import words

Theme = Literal["light", "dark"]
THEMES = ("light", "dark")

# After Okabe and Ito, with a luminance of 0.13 to 0.30: at least 3 : 1 on white and on near-black.
BLUE, ORANGE, GREEN, AMBER, PLUM, SKY, GREY, BROWN = (
    "#0a75b5", "#d55e00", "#009e73", "#b87a00", "#b8609a", "#2f96c8", "#7d838c", "#a0674b")

OUTCOMES: dict[str, tuple[str, str, str]] = {
    "succeeded": (GREEN, "", "succeeded"), "failed": (ORANGE, "/", "failed"),
    "timed_out": (PLUM, "\\", "timed out"), "crashed": (BROWN, "x", "crashed"),
    "lost": (BROWN, "+", "worker died"), "cancelled": (GREY, "-", "cancelled"),
    "snoozed": (SKY, ".", "snoozed"), "interrupted": (GREY, "|", "interrupted"),
    "running": (BLUE, "", "running")}
"""Colour, hatch and words of each outcome: colour is never the only sign."""

STATUSES: dict[str, tuple[str, str]] = {
    "completed": (GREEN, ""), "failed": (ORANGE, "/"), "cancelled": (GREY, "-"), "expired": (PLUM, "\\"),
    "skipped": (SKY, ".")}
"""Colour and hatch of each final status."""

_PAPER = {"light": ("#ffffff", "#24292f", "#e4e7eb", "#57606a"),
          "dark": ("#16181d", "#e6e8eb", "#30353d", "#a3abb5")}
_SCALE = {
    "light": [[0, "#eef3f8"], [0.25, "#b5d2e8"], [0.5, "#6aa8d3"], [0.75, "#2473b0"], [1, "#083a6b"]],
    "dark": [[0, "#1e242c"], [0.25, "#173f60"], [0.5, "#1b6ea6"], [0.75, "#5aa9d6"], [1, "#cfe6f5"]]}

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
HEIGHT = 420
NARROW = 84
"""Characters of a subtitle that fit on a line at 600 px."""

NO_BREAK = "\N{NO-BREAK SPACE}"

CONFIG: dict[str, Any] = {"displaylogo": False, "responsive": True,
                          "modeBarButtons": [["toImage", "resetScale2d"]]}


def paper(theme: str) -> tuple[str, str, str, str]:
    """Background, text, grid and quiet text of a theme. Raises BadRequest."""
    if theme not in _PAPER:
        raise BadRequest(f"there is no theme {theme!r}", remedy="light or dark", where="theme")
    return _PAPER[theme]


@cache
def template(theme: str) -> go.layout.Template:
    """All that differs between light and dark, and all that every figure shares."""
    background, text, grid, quiet = paper(theme)
    axis = {"gridcolor": grid, "zerolinecolor": grid, "linecolor": grid, "automargin": True, "ticks": "",
            "title": {"font": {"size": 12, "color": quiet}, "standoff": 8}, "tickfont": {"size": 12}}
    return go.layout.Template(layout={
        "font": {"family": FONT, "size": 13, "color": text}, "paper_bgcolor": background,
        "plot_bgcolor": background, "colorway": [BLUE, ORANGE, GREEN, AMBER, PLUM, SKY, BROWN, GREY],
        "xaxis": axis, "yaxis": axis, "separators": ".,",
        "title": {"x": 0, "xref": "container", "xanchor": "left", "y": 1, "yref": "container", "yanchor": "top",
                  "pad": {"t": 14, "l": 16}, "font": {"size": 17},
                  "subtitle": {"font": {"size": 12.5, "color": quiet}}},
        "margin": {"l": 16, "r": 24, "t": 86, "b": 48}, "height": HEIGHT, "bargap": 0.12,
        "legend": {"orientation": "h", "x": 0, "xanchor": "left", "y": 0, "yref": "container",
                   "yanchor": "bottom", "font": {"size": 12}, "title": {"text": ""}, "traceorder": "normal"},
        "coloraxis": {"colorscale": _SCALE[theme], "colorbar": {
            "thickness": 10, "outlinewidth": 0, "len": 0.9, "tickfont": {"size": 11},
            "title": {"side": "right", "font": {"size": 12}}}},
        "hoverlabel": {"bgcolor": background, "bordercolor": quiet, "align": "left",
                       "font": {"family": FONT, "size": 12.5, "color": text}},
        "annotationdefaults": {"font": {"color": text}}})


def figure(title: str, subtitle: str, theme: str, **layout: Any) -> go.Figure:
    """An empty figure with our look, its title and a line below it that says what is shown."""
    lines = textwrap.wrap(subtitle, NARROW)
    found = go.Figure(layout=go.Layout(template=template(theme), title={
        "text": f"<b>{safe(title)}</b>", "subtitle": {"text": "<br>".join(map(safe, lines))}}))
    found.update_layout(margin={"t": 64 + 18 * max(1, len(lines))}, height=HEIGHT)
    found.update_layout(**layout)
    return found


def empty(title: str, why: str, theme: str) -> go.Figure:
    """A figure without data that says why there is none, and what would fill it."""
    found = figure(title, "", theme, height=220)
    found.update_xaxes(visible=False, range=[0, 1], fixedrange=True)
    found.update_yaxes(visible=False, range=[0, 1], fixedrange=True)
    found.add_annotation(x=0, y=0.6, xanchor="left", showarrow=False, align="left", font={"size": 14},
                         text="<br>".join(safe(line) for line in textwrap.wrap(why, 72)))
    return found


def safe(text: object) -> str:
    """A text of somebody else's as plotly shall show it: no markup, on one line."""
    shown = re.sub(r"[ \t\r\n\v\f]+", " ", str(text)).strip()
    return shown.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def wrapped(text: str, width: int, lines: int) -> str:
    """A label of at most so many lines; what is cut ends in an ellipsis."""
    found = textwrap.wrap(" ".join(text.split()), width, max_lines=lines, placeholder=" …") or [""]
    return "<br>".join(map(safe, found))


_TICKS = ((0.001, "1 ms"), (0.01, "10 ms"), (0.1, "0.1 s"), (1, "1 s"), (10, "10 s"), (60, "1 min"),
          (600, "10 min"), (3600, "1 h"), (36_000, "10 h"), (86_400, "1 d"), (864_000, "10 d"))


def log_duration(values: Iterable[float]) -> dict[str, Any]:
    """An axis of seconds that reads as people do, from the smallest to the largest value."""
    known = [value for value in values if value and value > 0 and math.isfinite(value)]
    low, high = (min(known), max(known)) if known else (0.1, 10.0)
    low, high = max(low / 1.4, 1e-4), high * 1.4
    return {"type": "log", "range": [math.log10(low), math.log10(high)],
            "tickvals": [value for value, _ in _TICKS], "ticktext": [text for _, text in _TICKS]}


def linear_duration(longest: float, about: int = 5) -> dict[str, Any]:
    """An axis of seconds from zero, at round steps."""
    steps = (0.01, 0.05, 0.1, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21_600, 43_200, 86_400,
             172_800, 604_800, 2_592_000)
    step = next((step for step in steps if longest / step <= about), 2 * steps[-1])
    ticks = [step * number for number in range(int(longest / step) + 2)]
    return {"tickvals": ticks, "ticktext": ["0", *map(span, ticks[1:])], "range": [0, longest * 1.06 or 1]}


def span(value: float) -> str:
    """Seconds in words that stay on one line; a dash where nothing is known."""
    return words(value).replace(" ", NO_BREAK) if value is not None and math.isfinite(value) else "–"


def hatched(shape: str | list[str]) -> dict[str, Any]:
    """A hatch over the colour of a bar; none for an empty shape."""
    return {"shape": shape, "size": 6, "solidity": 0.25, "fillmode": "overlay",
            "fgcolor": "rgba(255,255,255,.75)"}


_WIDTHS = {"1s": "second", "10s": "10 seconds", "1min": "minute", "5min": "5 minutes", "15min": "15 minutes",
           "1h": "hour", "2h": "2 hours", "6h": "6 hours", "1D": "day", "7D": "week"}


def each(every: str) -> str:
    """``1D`` in words, to stand behind "each": ``day``."""
    return _WIDTHS.get(every, every)


def naive(index: Any) -> Any:
    """Moments as plotly shall show them: UTC, without saying so at each tick."""
    return index.tz_convert(None)


def rows(frame: Any) -> list[Any]:
    """The rows of a small frame, for hovers."""
    return list(frame.itertuples())


def dates(first: Any, last: Any) -> str:
    """``3 May to 1 Jun 2026, UTC``."""
    if first.date() == last.date():
        return f"{first.day} {first:%b %Y}, UTC"
    year = "" if first.year == last.year else f" {first.year}"
    return f"{first.day} {first:%b}{year} to {last.day} {last:%b %Y}, UTC"


def percent(share: float) -> str:
    """``0.4 %``, ``12 %``, ``100 %``; what is not quite all never reads 100."""
    if not math.isfinite(share):
        return "–"
    value = round(share * 100, 6)
    if 0 < value < 9.95 or 99 < value < 100:
        return f"{min(value, 99.9) if value > 99 else value:.1f} %"
    return f"{value:.0f} %"
