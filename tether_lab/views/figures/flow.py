"""How much gets done, how much waits, and on which days."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from tether_lab.analytics import depth, times
from tether_lab.views.phrases import count

from . import style

CELLS = 45
"""Days up to which the calendar shows hours."""

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def throughput(jobs: pd.DataFrame, theme: str = "light", every: str | None = None) -> go.Figure:
    """Jobs that became final, by status, stacked in bins of time."""
    title = "How much gets done"
    ended = jobs["finished_at"].dropna()
    if ended.empty:
        return style.empty(title, "No job has ended in this time.", theme)
    every = every or times.readable_bin(ended.min(), ended.max(), 90)
    counts = times.throughput(jobs, every)
    drawn = style.figure(title, f"{count(len(ended), 'job')} ended, {style.dates(ended.min(), ended.max())}; "
                                f"by status, for each {style.each(every)}", theme, barmode="stack",
                                hovermode="x unified")
    at = style.naive(counts.index)
    for status, (colour, hatch) in style.STATUSES.items():
        if status in counts:
            drawn.add_bar(x=at, y=counts[status].to_numpy(), name=f"{status} ({int(counts[status].sum()):,})",
                          offset=0, width=times.width(every) / 1e3 * 0.92,
                          hovertemplate="%{y:,} " + status + "<extra></extra>",
                          marker={"color": colour, "line": {"width": 0}, "pattern": style.hatched(hatch)})
    drawn.update_xaxes(type="date", title="UTC", showgrid=False, hoverformat="%a %d %b %H:%M")
    drawn.update_yaxes(title=f"jobs each {style.each(every)}", rangemode="tozero")
    drawn.update_layout(margin={"b": 84})
    return drawn


def queue_depth(jobs: pd.DataFrame, attempts: pd.DataFrame, theme: str = "light",
                every: str | None = None) -> go.Figure:
    """Jobs that wait, run, and rest between attempts, along time."""
    title = "How long the queue is"
    if jobs.empty:
        return style.empty(title, "No job was enqueued in this time.", theme)
    begin, end = jobs["created_at"].min(), max(jobs["created_at"].max(), attempts["started_at"].max())
    every = every or times.readable_bin(begin, end, 400)
    known = depth.queue_depth(jobs, attempts, every)
    worst: Any = known["peak"].idxmax()
    on = f"{worst:%a} {worst.day} {worst:%b} after {worst:%H:%M} UTC"
    drawn = style.figure(title, f"at most {known['peak'].max():,} waited, on {on}; {count(len(jobs), 'job')}, "
                                f"for each {style.each(every)}", theme, hovermode="x unified")
    at = style.naive(known.index)
    lines = (("peak", "waiting, most in the bin", style.BLUE, "solid", "rgba(10,117,181,.22)"),
             ("running", "running", style.GREEN, "dash", None),
             ("resting", "resting between attempts", style.AMBER, "dot", None))
    for column, name, colour, dash, fill in lines:
        drawn.add_scatter(x=at, y=known[column].to_numpy(), name=name, mode="lines", line={
            "color": colour, "width": 1.8, "dash": dash, "shape": "hv"}, fill="tozeroy" if fill else None,
            fillcolor=fill, hovertemplate="%{y:,} " + name.split(",")[0] + "<extra></extra>")
    drawn.update_xaxes(type="date", title="UTC", showgrid=False, hoverformat="%a %d %b %H:%M")
    drawn.update_yaxes(title="jobs", rangemode="tozero")
    drawn.update_layout(margin={"b": 84})
    return drawn


def calendar(jobs: pd.DataFrame, theme: str = "light") -> go.Figure:
    """When jobs are asked for: days by hours, or, for more than 45 days, weeks by weekdays."""
    title = "When the work comes"
    if jobs.empty:
        return style.empty(title, "No job was enqueued in this time.", theme)
    at = jobs["created_at"]
    days = (at.max().normalize() - at.min().normalize()).days + 1
    table = pd.DataFrame({"day": at.dt.normalize(), "hour": at.dt.hour, "bad": jobs["status"] == "failed"})
    if days > CELLS:
        table["row"] = at.dt.day_of_week
        table["column"] = table["day"] - pd.to_timedelta(at.dt.day_of_week, unit="D")
        rows, labels, step, unit = range(7), list(DAYS), "7D", "day"
    else:
        table["row"], table["column"] = table["hour"], table["day"]
        rows, labels, step, unit = range(24), [f"{hour:02d} h" for hour in range(24)], "1D", "hour"
    columns = pd.date_range(table["column"].min(), table["column"].max(), freq=step)
    cells = table.groupby(["row", "column"])["bad"].agg(["size", "sum"])
    found, bad = (cells[name].unstack().reindex(index=rows, columns=columns).fillna(0)
                  for name in ("size", "sum"))
    row, column = divmod(int(found.to_numpy().argmax()), len(columns))
    day = columns[column] + pd.Timedelta(days=row if unit == "day" else 0)
    busiest = f"{day:%a} {day.day} {day:%b}" + (f", {labels[row]}" if unit == "hour" else "")
    most, usual = int(found.to_numpy().max()), float(np.quantile(cells["size"], 0.99))
    strongest = usual if most > 2 * usual else most        # one burst must not pale all the rest
    said = f"; strongest colour: {strongest:,.0f} or more" if strongest < most else ""
    drawn = style.figure(
        title, f"{count(len(jobs), 'job')} enqueued, {style.dates(at.min(), at.max())}; busiest: "
               f"{busiest} with {most:,}{said}", theme, height=460 if unit == "hour" else 320,
        coloraxis={"cmin": 0, "cmax": max(strongest, 1), "colorbar": {"title": {"text": f"jobs each {unit}"}}})
    drawn.add_heatmap(x=columns.tz_convert(None), y=labels, z=found.to_numpy().astype("int32"),
                      coloraxis="coloraxis",
                      customdata=bad.to_numpy().astype("int32"), xgap=1.5, ygap=1.5, name="",
                      hovertemplate="<b>%{x|%a %d %b}</b>, %{y}<br>%{z:,} jobs, %{customdata:,} failed"
                                    "<extra></extra>")
    drawn.update_yaxes(autorange="reversed", showgrid=False, tickvals=labels[::3] if unit == "hour" else labels)
    drawn.update_xaxes(showgrid=False, title="UTC", type="date")
    return drawn
