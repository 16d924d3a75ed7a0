"""Jobs that belong together: a chain as a graph, a batch as a grid."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from tether_lab.job import JobRow, State
from tether_lab.job.workflow import Edge
from tether_lab.views.edges import ASKED, MEANT, edge_words, label, sign_of
from tether_lab.views.phrases import count

from . import style

LOOKS: dict[State, tuple[str, str]] = {
    State.BLOCKED: (style.GREY, "◌"), State.SCHEDULED: (style.GREY, "◔"), State.PENDING: (style.GREY, "○"),
    State.RUNNING: (style.BLUE, "▶"), State.RETRYING: (style.AMBER, "↻"), State.COMPLETED: (style.GREEN, "✔"),
    State.FAILED: (style.ORANGE, "✘"), State.CANCELLED: (style.BROWN, "■"), State.EXPIRED: (style.PLUM, "■"),
    State.SKIPPED: (style.SKY, "»")}
"""Colour and sign of each status: the sign stands in the mark, so that colour is never alone."""

Member = tuple[int, State, int, int | None, int | None]
"""A job of a batch: id, status, attempts, started, finished (UTC µs)."""
SIGNED = 400
"""Jobs of a batch up to which each square has its sign."""
DASHES = {"fail": "solid", "skip": "dash", "continue": "dot", "asked": "dashdot"}
_MEANT = {**MEANT, "asked": ASKED}
_SAID = {"yes": style.GREEN, "no": style.SKY, "failed": style.ORANGE}
MOST_STEPS = 400


def chain_graph(name: str, steps: Sequence[JobRow], edges: Sequence[Edge], now: int,
                theme: str = "light") -> go.Figure:
    """The steps of a chain from left to right, each after those it waits for; on an edge its condition and what
    that said. ``now`` is UTC µs."""
    title = f"The chain {name}"
    if not steps:
        return style.empty(title, "This chain has no steps any more: they were removed.", theme)
    left_out = len(steps) - MOST_STEPS
    steps = steps[:MOST_STEPS]
    places = _places([step.id for step in steps], edges)
    counts = Counter(step.state for step in steps)
    said = ", ".join(f"{counts[state]:,} {state}" for state in State if counts[state])
    drawn = style.figure(title, f"{count(len(steps), 'step')}: {said}"
                         + (f"; {left_out:,} more are not drawn" if left_out > 0 else ""), theme,
                         hovermode="closest", showlegend=True)
    _lines(drawn, places, edges, theme)
    _conditions(drawn, places, edges)
    for state, (colour, sign) in LOOKS.items():
        own = [step for step in steps if step.state is state]
        if own:
            drawn.add_scatter(
                x=[places[step.id][0] for step in own], y=[places[step.id][1] for step in own],
                name=state.value,
                mode="markers+text", text=[sign] * len(own), textfont={"color": "#ffffff", "size": 15},
                marker={"size": 30, "color": colour, "line": {"width": 0}},
                customdata=[_hover(step, now) for step in own],
                hovertemplate="%{customdata}<extra></extra>")
    for step in steps:
        x, y = places[step.id]
        drawn.add_annotation(x=x, y=y, text=style.wrapped(step.step or step.key, 16, 2), showarrow=False,
                             yshift=-30, yanchor="middle", font={"size": 12})
    across, down = max(x for x, _ in places.values()), max(abs(y) for _, y in places.values())
    drawn.update_xaxes(visible=False, range=[-0.5, across + 0.5], fixedrange=True)
    drawn.update_yaxes(visible=False, range=[-down - 0.75, down + 0.6], fixedrange=True)
    drawn.update_layout(height=min(1400, round(170 + 84 * (2 * down + 1))))
    return drawn


def _places(ids: Sequence[int], edges: Sequence[Edge]) -> dict[int, tuple[float, float]]:
    """A column for each step, one behind the last of its parents; within a column near its parents' middle."""
    parents: dict[int, list[int]] = {number: [] for number in ids}
    for edge in edges:
        if edge.parent in parents and edge.child in parents:
            parents[edge.child].append(edge.parent)
    column: dict[int, int] = {}
    left = list(ids)
    while left:
        ready = [number for number in left if all(parent in column for parent in parents[number])]
        for number in ready or left:           # a circle cannot be; if it is, all the rest stands side by side
            column[number] = 1 + max((column.get(parent, -1) for parent in parents[number]), default=-1)
        left = [number for number in left if number not in column]
    rows: dict[int, tuple[float, float]] = {}
    for across in range(max(column.values()) + 1):
        here = [number for number in ids if column[number] == across]
        here.sort(key=lambda number: -sum(rows[p][1] for p in parents[number]) / max(1, len(parents[number])))
        for place, number in enumerate(here):
            rows[number] = (float(across), (len(here) - 1) / 2 - place)
    return rows


def _lines(drawn: go.Figure, places: Mapping[int, tuple[float, float]],
           edges: Sequence[Edge], theme: str) -> None:
    """A line an edge, with an arrow in its middle; dashed where a failure does not stop what follows, and where
    a condition is asked."""
    quiet = style.paper(theme)[3]
    for policy, dash in DASHES.items():
        xs: list[float | None] = []
        ys: list[float | None] = []
        for edge in _drawn(edges, places):
            if policy == (edge.policy if edge.condition is None else "asked"):
                (x0, y0), (x1, y1) = places[edge.parent], places[edge.child]
                xs += [x0, x0 + (x1 - x0) / 2, x1, None]
                ys += [y0, y0 + (y1 - y0) / 2, y1, None]
        if xs:
            drawn.add_scatter(x=xs, y=ys, mode="lines+markers", name=_MEANT[policy], hoverinfo="skip",
                              line={"color": quiet, "width": 1.6, "dash": dash}, showlegend=policy != "fail",
                              marker={"symbol": "arrow", "angleref": "previous", "color": quiet,
                                      "size": [0, 9, 0, 0] * (len(xs) // 4), "line": {"width": 0}})


def _drawn(edges: Sequence[Edge], places: Mapping[int, tuple[float, float]]) -> list[Edge]:
    return [edge for edge in edges if edge.parent in places and edge.child in places]


def _conditions(drawn: go.Figure, places: Mapping[int, tuple[float, float]], edges: Sequence[Edge]) -> None:
    """On each edge with a condition a diamond, with the sign of what it said, and its words below."""
    own = [edge for edge in _drawn(edges, places) if edge.condition is not None]
    if not own:
        return
    at = [(x0 + 0.62 * (x1 - x0), y0 + 0.62 * (y1 - y0)) for edge in own
          for (x0, y0), (x1, y1) in [(places[edge.parent], places[edge.child])]]
    drawn.add_scatter(
        x=[x for x, _ in at], y=[y for _, y in at], mode="markers+text", name="condition", showlegend=False,
        text=[sign_of(edge) for edge in own], textfont={"color": "#ffffff", "size": 11},
        marker={"symbol": "diamond", "size": 20, "line": {"width": 0},
                "color": [_SAID.get(edge.verdict or "", style.GREY) for edge in own]},
        customdata=[style.wrapped(edge_words(edge), 60, 6) for edge in own],
        hovertemplate="%{customdata}<extra></extra>")
    for edge, (x, y) in zip(own, at, strict=True):
        drawn.add_annotation(x=x, y=y, text=style.wrapped(f"if {label(edge)}", 26, 2), showarrow=False,
                             yshift=18, yanchor="bottom", font={"size": 11})


def _hover(step: JobRow, now: int) -> str:
    lines = [f"<b>{style.safe(step.step or step.key)}</b> · job {step.id} · {step.state}",
             f"handler {style.safe(step.key)}"]
    if step.started_at is not None:
        lines.append(f"ran {style.span(((step.finished_at or now) - step.started_at) / 1e6)}"
                     + (f", attempt {step.attempt} of {step.max_attempts}" if step.max_attempts > 1 else ""))
    if step.state is State.BLOCKED and step.deps_left:
        lines.append(f"waits for {count(step.deps_left, 'step')}")
    if step.error:
        lines.append(style.wrapped(step.error, 60, 3))
    return "<br>".join(lines)


def batch_grid(name: str, jobs: Sequence[Member], theme: str = "light") -> go.Figure:
    """A square for each job of a batch, in the order of its items, in the colour of its status."""
    title = f"The batch {name}"
    if not jobs:
        return style.empty(title, "This batch is empty: it was made of no items, and has ended.", theme)
    wide = _width(len(jobs))
    states = list(LOOKS)
    codes = {state: number for number, state in enumerate(states)}
    counts = Counter(job[1] for job in jobs)
    said = ", ".join(f"{counts[state]:,} {state}" for state in State if counts[state])
    drawn = style.figure(title, f"{count(len(jobs), 'job')}: {said}; a square each, in the order of the items",
                         theme, hovermode="closest", showlegend=True)
    grid = [jobs[at:at + wide] for at in range(0, len(jobs), wide)]
    pad: list[Any] = [None] * (wide - len(grid[-1]))     # cells without a job: no colour, no sign
    shades = [[at, colour] for number, state in enumerate(states) for colour in [LOOKS[state][0]]
              for at in (number / len(states), (number + 1) / len(states))]
    drawn.add_heatmap(
        z=[[codes[job[1]] for job in row] + pad * (row is grid[-1]) for row in grid], zmin=-0.5,
        zmax=len(states) - 0.5, colorscale=shades, showscale=False, xgap=_gap(wide), ygap=_gap(wide),
        hoverongaps=False,
        customdata=[[_square(job) for job in row] + pad * (row is grid[-1]) for row in grid],
        text=[[LOOKS[job[1]][1] for job in row] + [""] * (wide - len(row)) for row in grid]
        if len(jobs) <= SIGNED else None,
        texttemplate="%{text}" if len(jobs) <= SIGNED else None, textfont={"color": "#ffffff", "size": 12},
        hovertemplate="%{customdata}<extra></extra>")
    if len(jobs) > SIGNED:
        _crosses(drawn, jobs, wide)
    for state, (colour, sign) in LOOKS.items():
        if counts[state]:
            drawn.add_scatter(x=[None], y=[None], mode="markers", name=f"{sign} {state} ({counts[state]:,})",
                              hoverinfo="skip", marker={"size": 11, "symbol": "square", "color": colour})
    drawn.update_xaxes(visible=False, range=[-0.5, wide - 0.5], fixedrange=True)
    drawn.update_yaxes(visible=False, range=[len(grid) - 0.5, -0.5], fixedrange=True)
    drawn.update_layout(height=max(240, min(900, round(170 + len(grid) * min(26.0, 900 / wide)))))
    return drawn


def _width(jobs: int) -> int:
    """Squares in a row: about two and a half times as many as rows, at least twenty where there are."""
    return max(1, min(jobs, max(20, round(math.sqrt(jobs * 2.5)))))


def _gap(wide: int) -> float:
    return 3 if wide <= 40 else 1 if wide <= 120 else 0


def _square(job: Member) -> str:
    number, state, attempts, started, finished = job
    took = f"<br>ran {style.span((finished - started) / 1e6)}" if started and finished else ""
    tries = f"<br>{count(attempts, 'attempt')}" if attempts > 1 else ""
    return f"<b>job {number}</b> · {state}{took}{tries}"


def _crosses(drawn: go.Figure, jobs: Sequence[Member], wide: int) -> None:
    """Where squares are too small for signs, those that did not complete have a cross."""
    bad = [at for at, job in enumerate(jobs) if job[1] in (State.FAILED, State.EXPIRED)][:2000]
    drawn.add_scatter(x=[at % wide for at in bad], y=[at // wide for at in bad], mode="markers",
                      hoverinfo="skip", showlegend=False,
                      marker={"symbol": "x-thin", "size": 6, "line": {"width": 1.4, "color": "#ffffff"}})
