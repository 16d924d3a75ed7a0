"""What trying again gives and costs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from tether_lab.analytics import policies, retries as measures
from tether_lab.views.phrases import count

from . import style

NOTHING = "No attempt has ended by itself in this time."


def attempts_to_success(attempts: pd.DataFrame, theme: str = "light") -> go.Figure:
    """How many attempts the jobs took that succeeded (log scale)."""
    title = "How many attempts success takes"
    found = measures.attempts_to_success(attempts)["all"]
    if found.empty:
        return style.empty(title, "No attempt has succeeded in this time.", theme)
    total, again = int(found.sum()), int(found.iloc[1:].sum())
    drawn = style.figure(title,
                         f"{count(total, 'job')} succeeded, {again:,} of them ({style.percent(again / total)}) "
                                f"only because they were tried again; log scale", theme, showlegend=False)
    shares = found.to_numpy() / total
    drawn.add_bar(x=[str(n) for n in found.index], y=np.where(found > 0, found, np.nan), textposition="outside",
                  text=[f"{n:,} · {style.percent(share)}" for n, share in zip(found, shares, strict=True)],
                  cliponaxis=False, hovertemplate="%{y:,} jobs at attempt %{x}<extra></extra>",
                  marker={"color": [style.GREEN, *[style.AMBER] * (len(found) - 1)],
                          "pattern": style.hatched(["", *["/"] * (len(found) - 1)])})
    drawn.update_xaxes(title="attempt that succeeded", type="category", showgrid=False)
    drawn.update_yaxes(title="jobs", type="log", range=[-0.3, np.log10(max(found)) + 0.35], dtick=1)
    return drawn


def success_by_attempt(attempts: pd.DataFrame, theme: str = "light") -> go.Figure:
    """The share of first, second, third … attempts that succeeded, with its 95 % interval."""
    title = "Does the next attempt help?"
    found = measures.success_by_attempt(attempts)
    if found.empty:
        return style.empty(title, NOTHING, theme)
    first = found.iloc[0]
    later = found.iloc[1:].sum()
    said = (f"then {style.percent(later['succeeded'] / later['tried'])} of those tried again"
            if len(found) > 1 else "nothing was tried again")
    drawn = style.figure(title, f"{style.percent(first['rate'])} of first attempts succeed, {said}; "
                                "whiskers: 95 % interval", theme, showlegend=False)
    drawn.add_bar(x=[str(n) for n in found.index], y=found["rate"], marker={"color": style.BLUE},
                  error_y={"type": "data", "symmetric": False, "array": found["high"] - found["rate"],
                           "arrayminus": found["rate"] - found["low"], "thickness": 1.5, "width": 5,
                           "color": style.GREY},
                  customdata=np.column_stack((found["succeeded"], found["tried"])),
                  text=[style.percent(rate) for rate in found["rate"]], textposition="inside",
                  insidetextanchor="start",
                  textfont={"color": "#ffffff"},
                  hovertemplate="attempt %{x}: %{customdata[0]:,} of %{customdata[1]:,} succeeded"
                                "<extra></extra>")
    drawn.update_xaxes(title="attempt", type="category", showgrid=False)
    drawn.update_yaxes(tickformat=".0%", range=[0, 1.03], title="succeeded")
    return drawn


def time_lost(attempts: pd.DataFrame, theme: str = "light") -> go.Figure:
    """Run time and CPU of attempts that were for nothing, by key."""
    title = "What failures cost"
    found = measures.time_lost(attempts).query("attempts > 0").head(20)
    if found.empty:
        return style.empty(title, "No attempt was lost in this time." if len(attempts) else NOTHING, theme)
    run, cpu = float(found["run"].sum()), float(found["cpu"].sum())
    drawn = style.figure(title,
                         f"{count(int(found['attempts'].sum()), 'attempt')} for nothing: {style.span(run)} of "
                                f"runners, {style.span(cpu)} of CPU", theme, barmode="group",
                                hovermode="closest")
    labels = [style.wrapped(str(key), 24, 2) for key in found.index]
    texts = [f"<b>{style.safe(row.Index)}</b><br>{row.attempts:,} attempts lost<br>"
             f"{style.span(row.run)} of run time, {style.percent(row.share)} of its own<br>"
             f"{style.span(row.cpu)} of CPU<br>{style.span(row.waits)} of waiting for the next attempt"
             for row in style.rows(found)]
    for column, name, colour, hatch in (("run", "run time", style.ORANGE, ""),
                                        ("cpu", "CPU time", style.BLUE, "/")):
        drawn.add_bar(y=labels, x=found[column], name=name, orientation="h", customdata=texts,
                      hovertemplate="%{customdata}<extra></extra>",
                      marker={"color": colour, "pattern": style.hatched(hatch)})
    drawn.update_yaxes(autorange="reversed", showgrid=False)
    drawn.update_xaxes(**style.linear_duration(float(found[["run", "cpu"]].max().max())))
    drawn.update_layout(height=max(320, 160 + 46 * len(found)), margin={"b": 72},
                        legend={"traceorder": "normal"})
    return drawn


def payoff(attempts: pd.DataFrame, theme: str = "light", top: int = 12) -> go.Figure:
    """How often the next attempt helps, by key: of the lost attempts that were tried again, the share whose
    next attempt succeeded. Colour and words say what a rescue cost."""
    title = "Where trying again pays"
    rows = []
    for key, own in attempts.groupby(attempts["key"].astype("str")):
        table = measures.retry_payoff(own)
        retried, helped = int(table["retried"].sum()), int(table["helped"].sum())
        if retried:
            rows.append((str(key), retried, helped, float(table["seconds"].sum())))
    if not rows:
        return style.empty(title, "Nothing was tried again in this time, so there is nothing to judge.", theme)
    rows.sort(key=lambda row: row[2] / row[1], reverse=True)
    retried, helped = sum(row[1] for row in rows), sum(row[2] for row in rows)
    drawn = style.figure(title, f"{count(retried, 'retry')}, {style.percent(helped / retried)} of them helped "
                                "at once. Beside the bars: run time a rescue cost", theme, showlegend=False,
                                hovermode="closest")
    rows = rows[:top]
    shares = [row[2] / row[1] for row in rows]
    costs = [style.span(row[3] / row[2]) if row[2] else "never helped" for row in rows]
    drawn.add_bar(y=[style.wrapped(row[0], 24, 2) for row in rows], x=shares, orientation="h",
                  text=[f" {style.percent(share)} · {cost}" for share, cost in zip(shares, costs, strict=True)],
                  textposition="outside", cliponaxis=False,
                  marker={"color": [_verdict(share) for share in shares]},
                  customdata=[f"<b>{style.safe(row[0])}</b><br>{row[2]:,} of {row[1]:,} retries succeeded<br>"
                              f"{style.span(row[3])} of run time, {cost if row[2] else 'for nothing'}"
                              + (" a rescue" if row[2] else "") for row, cost in zip(rows, costs, strict=True)],
                  hovertemplate="%{customdata}<extra></extra>")
    drawn.update_xaxes(tickformat=".0%", range=[0, 1.3], tickvals=[0, 0.25, 0.5, 0.75, 1],
                       title="retries that helped")
    drawn.update_yaxes(autorange="reversed", showgrid=False)
    drawn.update_layout(height=max(300, 150 + 36 * len(rows)), bargap=0.3)
    return drawn


def _verdict(share: float) -> str:
    return style.GREEN if share >= 0.5 else style.AMBER if share >= 0.15 else style.ORANGE


def policy(attempts: pd.DataFrame, theme: str = "light", failure: object = "10m", name: str = "") -> go.Figure:
    """What each number of attempts would have cost: run time, and failed jobs at ``failure`` each."""
    title = f"How many attempts {name or 'jobs'} should have"
    found = policies.cost_by_attempts(attempts, failure)
    if found.empty:
        return style.empty(title, NOTHING, theme)
    best = policies.best_policy(attempts, failure)
    drawn = style.figure(title, f"{best.reason}. A failed job counts as {failure}", theme, barmode="stack",
                         hovermode="x unified")
    at = [f"<b>{n}</b> ◂ least" if n == best.max_attempts else str(n) for n in found.index]
    parts: tuple[tuple[str, Any, str, str], ...] = (
        ("run time", found["run"], style.BLUE, ""), ("failed jobs", found["cost"] - found["run"],
                                                     style.ORANGE, "/"))
    for words, values, colour, hatch in parts:
        drawn.add_bar(x=at, y=values, name=words, customdata=[style.span(value) for value in values],
                      hovertemplate=words + ": %{customdata}<extra></extra>",
                      marker={"color": colour, "pattern": style.hatched(hatch)})
    drawn.update_xaxes(title="attempts at most", type="category", showgrid=False)
    drawn.update_yaxes(**style.linear_duration(float(found["cost"].max())), title="cost")
    drawn.update_layout(margin={"b": 92})
    return drawn
