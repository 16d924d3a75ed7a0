"""How long jobs wait and run: along time, and by version of their handler."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from tether_lab.analytics import times
from tether_lab.views.phrases import count

from . import style

VERSIONS = 24
"""Handler versions shown at most; the ones with most attempts."""


def percentiles(jobs: pd.DataFrame, theme: str = "light", what: str = "run",
                every: str | None = None) -> go.Figure:
    """The median and the 95th percentile of the wait, run or turnaround of jobs along time (log scale)."""
    title = {"wait": "How long jobs wait for a runner", "run": "How long jobs run",
             "turnaround": "From enqueued to done"}[what]
    known = jobs.loc[jobs[what].notna() & jobs["finished_at"].notna()]
    if known.empty:
        return style.empty(title, "No job has begun and ended in this time.", theme)
    ended = known["finished_at"]
    every = every or times.readable_bin(ended.min(), ended.max(), 60)
    table = times.percentiles_over_time(known, what, every).query("count > 0")
    whole = times.percentiles(known, what, by=None, q=(50, 95, 99)).iloc[0].to_dict()
    drawn = style.figure(
        title, f"{count(len(known), 'job')}: half within {style.span(whole['p50'])}, 95 % within "
               f"{style.span(whole['p95'])}, 99 % within {style.span(whole['p99'])}; "
               f"for each {style.each(every)}",
        theme, hovermode="x unified")
    at = style.naive(table.index)
    drawn.add_scatter(x=at, y=table["p95"].to_numpy(), name="95 % are quicker", mode="lines+markers",
                      line={"color": style.ORANGE, "width": 1.6, "dash": "dot"},
                      marker={"size": 4, "symbol": "diamond"},
                      customdata=[style.span(v) for v in table["p95"]],
                      hovertemplate="95 %% within %{customdata}<extra></extra>".replace("%%", "%"))
    drawn.add_scatter(x=at, y=table["p50"].to_numpy(), name="median", mode="lines+markers",
                      line={"color": style.BLUE, "width": 2}, marker={"size": 4},
                      customdata=[f"{style.span(v)}, {n:,} jobs" for v,
                                  n in zip(table["p50"], table["count"], strict=True)],
                      hovertemplate="half within %{customdata}<extra></extra>")
    drawn.update_yaxes(**style.log_duration([*table["p50"], *table["p95"]]))
    drawn.update_xaxes(type="date", title="UTC", showgrid=False, hoverformat="%a %d %b %H:%M")
    drawn.update_layout(margin={"b": 84})
    return drawn


def by_version(attempts: pd.DataFrame, theme: str = "light") -> go.Figure:
    """How long successful attempts run, by version of the handler: boxes from the lower to the upper quarter,
    whiskers from 5 to 95 % (log scale)."""
    title = "How long each version runs"
    done = attempts.loc[(attempts["outcome"] == "succeeded") & attempts["run"].notna()]
    if done.empty:
        return style.empty(title, "No attempt has succeeded in this time, so no run time can be compared.",
                           theme)
    table = _quantiles(done).tail(VERSIONS * 1000)
    total = len(table)
    kept = table.nlargest(VERSIONS, "count").sort_values(["key", "first"]).reset_index(drop=True)
    drawn = style.figure(
        title, f"{count(len(done), 'successful attempt')}, {count(total, 'version')}"
               + (f", the {VERSIONS} with most attempts" if total > VERSIONS else "")
               + "; box: the middle half, whiskers: 5 to 95 %", theme, showlegend=False)
    labels = [style.safe(label) for label in kept["label"]]
    drawn.add_box(y=labels, q1=kept["p25"], median=kept["p50"], q3=kept["p75"], lowerfence=kept["p5"],
                  upperfence=kept["p95"], orientation="h", marker={"color": style.BLUE}, line={"width": 1.4},
                  fillcolor="rgba(10,117,181,.25)", hoverinfo="skip", whiskerwidth=0.5)
    drawn.add_scatter(
        x=kept["p50"], y=labels, mode="markers", marker={"color": style.BLUE, "size": 8,
                                                         "symbol": "line-ns-open",
                                                         "line": {"width": 2}},
        customdata=[_hover(row) for row in style.rows(kept)], hovertemplate="%{customdata}<extra></extra>")
    drawn.update_xaxes(**style.log_duration([*kept["p5"], *kept["p95"]]))
    drawn.update_yaxes(autorange="reversed", showgrid=False)
    drawn.update_layout(height=max(300, 150 + 30 * len(kept)), hovermode="closest")
    return drawn


def _quantiles(done: pd.DataFrame) -> Any:
    """Seconds at 5, 25, 50, 75, 95 % for each version, with its number within its key."""
    values = pd.DataFrame({"key": done["key"].astype("str"), "version": done["handler_version"].astype("str"),
                           "run": times.seconds(done["run"]), "at": done["started_at"]})
    groups = values.groupby(["key", "version"])
    found: Any = groups["run"].quantile(np.array([0.05, 0.25, 0.5, 0.75, 0.95])).unstack()
    found.columns = ["p5", "p25", "p50", "p75", "p95"]
    found["count"], found["first"], found["last"] = groups.size(), groups["at"].min(), groups["at"].max()
    found = found.reset_index().sort_values(["key", "first"], ignore_index=True)
    found["number"] = found.groupby("key").cumcount() + 1
    alone = found.groupby("key")["key"].transform("size") == 1
    found["label"] = np.where(alone, found["key"], found["key"] + " · " + found["number"].astype("str"))
    return found


def _hover(row: Any) -> str:
    return (f"<b>{style.safe(row.key)}</b>, version {row.number} ({style.safe(row.version)})<br>"
            f"{row.count:,} attempts, {style.dates(row.first, row.last)}<br>median {style.span(row.p50)}<br>"
            f"half: {style.span(row.p25)} to "
            f"{style.span(row.p75)}<br>5 to 95 %: {style.span(row.p5)} to {style.span(row.p95)}")
