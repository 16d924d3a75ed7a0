"""The attempts of one job: when each ran, how it ended, how long the waits between were."""

from __future__ import annotations

from typing import Any

import pandas as pd
import plotly.graph_objects as go

from tether_lab.analytics import times
from tether_lab.views.phrases import count

from . import style

SHOWN = 40


def backoff(attempts: pd.DataFrame, theme: str = "light", enqueued: Any = None, now: Any = None) -> go.Figure:
    """A waterfall from the moment the job was ``enqueued`` (default: its first start): hatched waits, then the
    run of each attempt in the colour of its outcome. Of more than 40 attempts the last ones."""
    title = "The attempts of a job"
    if attempts.empty:
        return style.empty(title, "This job has not begun, so it has no attempts yet.", theme)
    job, key = int(attempts["job_id"].iloc[0]), str(attempts["key"].iloc[0])
    start = times.micros(attempts["started_at"]) / 1e6
    present = pd.Timestamp(now) if now is not None else attempts["started_at"].max()
    last = attempts["finished_at"].fillna(present)
    end = times.micros(last) / 1e6
    zero = float(start[0]) if enqueued is None else pd.Timestamp(enqueued).timestamp()
    before = [zero, *end[:-1].tolist()]
    words = style.OUTCOMES[str(attempts["outcome"].iloc[-1])][2]
    drawn = style.figure(
        f"The attempts of job {job}, {key}",
        f"{count(len(attempts), 'attempt')} in {style.span(end[-1] - zero)}: {style.span(sum(end - start))} "
        f"running, {style.span(sum(start - before))} waiting; the last one: {words}", theme, barmode="stack",
        hovermode="closest")
    rows = list(enumerate(attempts.itertuples()))[-SHOWN:]
    base = max(0.0, before[rows[0][0]] - zero) if len(attempts) > SHOWN else 0.0
    labels = [f"attempt {row.attempt}" if len({r.attempt for _,
                                               r in rows}) == len(rows) else f"run {number + 1}"
              for number, row in rows]
    waits = [start[number] - before[number] for number, _ in rows]
    drawn.add_bar(y=labels, x=waits, base=[before[number] - zero for number, _ in rows], orientation="h",
                  name="waiting",
                  customdata=[f"waited {style.span(wait)} before {label}" for wait,
                              label in zip(waits, labels, strict=True)],
                  hovertemplate="%{customdata}<extra></extra>",
                  marker={"color": "rgba(125,131,140,.25)", "pattern": {"shape": "/", "size": 6,
                      "fgcolor": style.GREY}})
    for outcome, (colour, _, name) in style.OUTCOMES.items():
        own = [(label, number, row) for label, (number, row) in zip(labels, rows,
            strict=True) if row.outcome == outcome]
        if own:
            drawn.add_bar(
                y=[label for label, _, _ in own], x=[end[number] - start[number] for _, number, _ in own],
                name=name,
                base=[start[number] - zero for _, number, _ in own], orientation="h",
                customdata=[_hover(label, name, row, end[number] - start[number]) for label, number,
                            row in own],
                hovertemplate="%{customdata}<extra></extra>",
                marker={"color": colour, "line": {"color": colour, "width": 2}})
    axis = style.linear_duration(float(end[-1] - zero))
    drawn.update_xaxes(**{**axis, "range": [base, axis["range"][1]]},
                       title="since it was enqueued" if enqueued is not None else "since its first start")
    drawn.update_yaxes(autorange="reversed", showgrid=False, categoryorder="array", categoryarray=labels)
    drawn.update_layout(height=max(300, 180 + 30 * len(rows)), margin={"b": 92})
    return drawn


def _hover(label: str, outcome: str, row: Any, ran: float) -> str:
    error = f"<br>{style.wrapped(row.error, 60, 3)}" if isinstance(row.error, str) else ""
    return f"<b>{label}: {outcome}</b> after {style.span(ran)}<br>{row.started_at:%d %b %H:%M:%S} UTC{error}"
