"""What fails, and with which version it began."""

from __future__ import annotations

from typing import Any

import pandas as pd
import plotly.graph_objects as go

from tether_lab.analytics import failures as measures
from tether_lab.views.phrases import count

from . import style

LISTED = 10


def pareto(attempts: pd.DataFrame, theme: str = "light") -> go.Figure:
    """Failed attempts by error, numbers and quoted parts set aside; the most frequent first."""
    title = "What fails most"
    found = measures.error_pareto(attempts)
    if found.empty:
        return style.empty(title, "No attempt has failed in this time." if len(attempts) else
                           "No attempt has run in this time.", theme)
    top, rest = found.head(LISTED), found.iloc[LISTED:]
    bars = [(style.wrapped(row.fingerprint, 34, 3), int(row.count), float(row.cumulative), _hover(row))
            for row in style.rows(top)]
    if len(rest):
        bars.append((f"{count(len(rest), 'other error')}", int(rest["count"].sum()), 1.0,
                     f"{count(len(rest), 'other error')}: {int(rest['count'].sum()):,} attempts"))
    few = int((found["cumulative"] < 0.8).sum()) + 1
    drawn = style.figure(
        title, f"{count(int(found['count'].sum()), 'failed attempt')}, {count(len(found), 'kind')} of error; "
               f"{count(few, 'kind')} make up four fifths. Beside the bars: how many, and all down to there",
               theme,
        showlegend=False, hovermode="closest")
    drawn.add_bar(y=[label for label, *_ in bars], x=[n for _, n, _, _ in bars], orientation="h",
                  text=[f" {n:,} · {style.percent(share)}" for _, n, share, _ in bars], textposition="outside",
                  cliponaxis=False, customdata=[text for *_, text in bars],
                  hovertemplate="%{customdata}<extra></extra>",
                  marker={"color": [style.ORANGE if share - n / found["count"].sum() < 0.8 else style.GREY
                                    for _, n, share, _ in bars]})
    drawn.update_yaxes(autorange="reversed", showgrid=False, tickfont={"size": 11.5})
    drawn.update_xaxes(title="failed attempts", rangemode="tozero",
                       range=[0, 1.28 * max(n for _, n, _, _ in bars)])
    drawn.update_layout(height=max(300, 150 + 46 * len(bars)), bargap=0.3)
    return drawn


def _hover(row: Any) -> str:
    return (f"<b>{row.count:,} attempts of {count(row.jobs, 'job')}</b>, {style.percent(row.share)} of all<br>"
            f"in {style.safe(row.keys)}<br>{style.wrapped(str(row.example), 64, 4)}<br>"
            f"first {row.first:%d %b %H:%M}, last {row.last:%d %b %H:%M} UTC")


def failure_rate(attempts: pd.DataFrame, theme: str = "light") -> go.Figure:
    """The share of attempts that failed, by handler version, with its 95 % interval."""
    title = "Which version fails"
    found = measures.failure_rate(attempts)
    if found.empty:
        return style.empty(title, "No attempt has ended by itself in this time.", theme)
    found["number"] = found.groupby("key").cumcount() + 1
    found = found.nlargest(24, "attempts").sort_values(["key", "first"], ignore_index=True)
    listed = style.rows(found)
    worst = max(listed, key=lambda row: row.low)
    labels = [f"{style.safe(row.key)} · {row.number}" for row in listed]
    drawn = style.figure(
        title, f"share of attempts that failed, with its 95 % interval; surely worst: {worst.key}, version "
               f"{worst.number}, {style.percent(worst.rate)} of {worst.attempts:,}", theme,
               showlegend=False)
    drawn.add_scatter(
        x=found["rate"], y=labels, mode="markers",
        marker={"size": 10, "color": [style.ORANGE if low > 0.25 else style.BLUE for low in found["low"]],
                "symbol": ["diamond" if low > 0.25 else "circle" for low in found["low"]]},
        error_x={"type": "data", "symmetric": False, "array": found["high"] - found["rate"],
                 "arrayminus": found["rate"] - found["low"], "thickness": 1.4, "width": 4, "color": style.GREY},
        customdata=[_rate(row) for row in listed], hovertemplate="%{customdata}<extra></extra>")
    drawn.update_xaxes(tickformat=".0%", range=[-0.02, min(1.02, found["high"].max() * 1.08)],
                       title="failed attempts")
    drawn.update_yaxes(autorange="reversed")
    drawn.update_layout(height=max(300, 150 + 28 * len(found)), hovermode="closest")
    return drawn


def _rate(row: Any) -> str:
    return (f"<b>{style.safe(row.key)}</b>, version {row.number} ({style.safe(row.handler_version)})<br>"
            f"{row.failures:,} of {row.attempts:,} attempts failed: {style.percent(row.rate)}<br>"
            f"between {style.percent(row.low)} and {style.percent(row.high)}<br>"
            f"since {row.first:%d %b %H:%M} UTC")
