"""What ran when: a bar an attempt, or, where those would be dots, how many ran at once."""

from __future__ import annotations

import heapq
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from tether_lab.analytics import failures, times
from tether_lab.views.phrases import count

from . import style

BARS = 1500
"""Attempts up to which each has a bar."""

TITLE = "What ran when"


def timeline(attempts: pd.DataFrame, theme: str = "light", now: Any = None) -> go.Figure:
    """Attempts along time, in lanes by key (Gantt). More than 1,500: the mean number running at once in
    each bin of time, by key, with crosses where attempts were lost."""
    if attempts.empty:
        return style.empty(TITLE, "No attempt has run in this time. Start a worker (%tether start) or choose "
                                  "an earlier since=.", theme)
    last = max(attempts["started_at"].max(), attempts["finished_at"].max())
    ends = attempts["finished_at"].fillna(pd.Timestamp(now) if now is not None else last)
    subtitle = f"{count(len(attempts), 'attempt')}, {style.dates(attempts['started_at'].min(), ends.max())}"
    if len(attempts) <= BARS:
        return _bars(attempts, ends, subtitle, theme)
    return _density(attempts, ends, subtitle, theme)


def _bars(attempts: pd.DataFrame, ends: Any, subtitle: str, theme: str) -> go.Figure:
    lanes, ticks = _lanes(attempts, ends)
    drawn = style.figure(TITLE, f"{subtitle}: a bar each, stacked where they ran at once", theme,
                         barmode="overlay", hovermode="closest")
    shown = pd.DataFrame({"start": attempts["started_at"],
                          "ms": (ends - attempts["started_at"]).dt.total_seconds() * 1e3,
                          "lane": lanes, "outcome": attempts["outcome"].astype("str"),
                          "text": [_hover(row) for row in attempts.itertuples()]})
    for outcome, (colour, hatch, words) in style.OUTCOMES.items():
        own = shown.loc[shown["outcome"] == outcome]
        if own.empty:
            continue
        drawn.add_bar(
            base=own["start"].dt.tz_convert(None), x=own["ms"], y=own["lane"], orientation="h", name=words,
            width=0.8,
            customdata=own["text"], hovertemplate="%{customdata}<extra></extra>",
            marker={"color": colour, "line": {"color": colour, "width": 1.2},
                    "pattern": style.hatched(hatch)})
    names = [key for key, _, _ in ticks]
    drawn.update_yaxes(tickvals=[(low + high) / 2 for _, low, high in ticks],
                       ticktext=list(map(style.safe, names)),
                       showgrid=False, zeroline=False, range=[ticks[-1][2] + 0.8, -0.8])
    for _, low, _ in ticks[1:]:
        drawn.add_shape(type="line", xref="paper", x0=0, x1=1, y0=low - 0.7, y1=low - 0.7, layer="below",
                        line={"color": style.paper(theme)[2], "width": 1})
    drawn.update_xaxes(type="date", title="UTC")
    drawn.update_layout(height=max(style.HEIGHT, 150 + min(900, round(9 * ticks[-1][2]) + 18 * len(ticks))))
    return drawn


def _lanes(attempts: pd.DataFrame, ends: Any) -> tuple[list[float], list[tuple[str, float, float]]]:
    """For each attempt its lane; for each key, by name, its first and last lane."""
    start, end = times.micros(attempts["started_at"]), times.micros(ends)
    keys = attempts["key"].astype("str").to_numpy()
    lanes, ticks, base = np.zeros(len(keys)), [], 0.0
    for key in sorted(set(keys)):
        own = np.flatnonzero(keys == key)
        free: list[tuple[int, int]] = []           # (when a lane is free again, lane)
        used = 0
        for place in own[np.argsort(start[own], kind="stable")]:
            if free and free[0][0] <= start[place]:
                lane = heapq.heapreplace(free, (int(end[place]), free[0][1])) [1]
            else:
                lane, used = used, used + 1
                heapq.heappush(free, (int(end[place]), lane))
            lanes[place] = base + lane
        ticks.append((key, base, base + used - 1))
        base += used + 0.4
    return lanes.tolist(), ticks


def _hover(row: Any) -> str:
    """All that is known of an attempt."""
    words = style.OUTCOMES.get(str(row.outcome), ("", "", str(row.outcome)))[2]
    took = style.span(row.run.total_seconds()) if row.run is not pd.NaT else "running"
    lines = [f"<b>{style.safe(row.key)}</b> · job {row.job_id}, attempt {row.attempt}", f"{words} · {took}",
             f"{row.started_at:%d %b %H:%M:%S} UTC · version {row.handler_version}"]
    if row.cpu is not pd.NaT:
        lines.append(f"CPU {style.span(row.cpu.total_seconds())}")
    if isinstance(row.error, str):
        lines.append(style.wrapped(row.error, 60, 3))
    return "<br>".join(lines)


def _density(attempts: pd.DataFrame, ends: Any, subtitle: str, theme: str) -> go.Figure:
    keys = attempts["key"].astype("str")
    names = keys.value_counts().index[:25].tolist()
    start, end = times.micros(attempts["started_at"]), times.micros(ends)
    every = times.readable_bin(attempts["started_at"].min(), ends.max(), 150)
    edges = times.bins_of(start, end, every)
    bad = attempts["outcome"].isin(failures.LOSSES).to_numpy()
    codes = pd.Categorical(keys, categories=names).codes
    running, begun, lost = [], [], []
    for number in range(len(names)):
        own = codes == number
        running.append(np.diff(times.busy_until(start[own], end[own], edges)) / np.diff(edges))
        begun.append(np.histogram(start[own], edges)[0])
        lost.append(np.histogram(end[own & bad], edges)[0])
    at, load, begun_, lost_ = times.moments(edges[:-1]).tz_convert(None), *map(np.array, (running, begun, lost))
    drawn = style.figure(TITLE,
                         f"{subtitle}: how many ran at once, mean of each {style.each(every)}; crosses: a "
                                f"third or more were lost", theme, hovermode="closest",
                         coloraxis={"colorbar": {"title": {"text": "running at once"}}, "cmin": 0})
    labels = [style.wrapped(name, 24, 2) for name in names]
    drawn.add_heatmap(
        x=at, y=labels, z=np.where(begun_ + load > 0, load.round(4), np.nan), coloraxis="coloraxis", ygap=3,
        customdata=np.dstack((begun_, lost_)), name="", hoverongaps=False,
        hovertemplate="<b>%{y}</b><br>%{x|%d %b %H:%M} UTC<br>%{z:.2f} at once<br>%{customdata[0]:,} began, "
                      "%{customdata[1]:,} were lost<extra></extra>")
    row, column = np.nonzero((lost_ * 3 >= np.maximum(begun_, 1)) & (lost_ >= 2))
    drawn.add_scatter(x=at[column] + pd.Timedelta(every) / 2, y=[labels[number] for number in row],
                      mode="markers",
                      name="many lost", hoverinfo="skip", showlegend=False,
                      marker={"symbol": "x-thin", "size": 6, "line": {"width": 1.8, "color": style.ORANGE}})
    drawn.update_yaxes(autorange="reversed", showgrid=False)
    drawn.update_xaxes(type="date", title="UTC", showgrid=False)
    drawn.update_layout(height=max(320, 170 + 40 * len(names)))
    return drawn
