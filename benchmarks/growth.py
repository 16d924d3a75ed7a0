"""What ``growing`` measured, as a page: a line that stays level is a cost that does not grow.

    python benchmarks/growth.py [BENCH.json] [PAGE.html]        by default beside the JSON

``bench`` writes it beside its JSON; with TETHER_LAB_BENCH_LARGE=1 it reaches a million jobs, 64 runners and a
gigabyte.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from figure import Figure

JOBS = re.compile(r"10\^(\d+) jobs: (enqueue_many|drain)")
RUNNERS = re.compile(r"(\d+) runners with sleepers")
BYTES = re.compile(r"capture of ([\d,]+) bytes, (first|again)")
COLOURS = ("#0072B2", "#D55E00")

Line = list[tuple[float, float]]


def lines(values: Iterable[tuple[str, float]]) -> tuple[dict[str, Line], dict[str, Line], dict[str, Line]]:
    """By what is drawn: microseconds a job by jobs, per cent at work by runners, ms a megabyte by bytes."""
    jobs, runners, captures = dict[str, Line](), dict[str, Line](), dict[str, Line]()
    for name, value in values:
        if found := JOBS.fullmatch(name):
            jobs.setdefault(found[2], []).append((10 ** int(found[1]), value))
        elif found := RUNNERS.fullmatch(name):
            runners.setdefault("at work", []).append((int(found[1]), value))
        elif found := BYTES.fullmatch(name):
            size = int(found[1].replace(",", ""))
            captures.setdefault(found[2], []).append((size, value))
    return jobs, runners, captures


def draw(values: Iterable[tuple[str, float]], path: Path) -> bool:
    """Write the page; False, and nothing is written, if nothing of it was measured."""
    import plotly.graph_objects as go
    from plotly.subplots import make_subplots

    drawn: tuple[Mapping[str, Line], ...] = lines(values)
    if not any(drawn):
        return False
    figure = make_subplots(rows=1, cols=3, horizontal_spacing=0.09, subplot_titles=(
        "microseconds for each job", "per cent of the time that runners work", "milliseconds for a capture"))
    for column, (panel, axis) in enumerate(zip(drawn, ("jobs", "runners", "bytes"), strict=True), 1):
        for colour, (name, points) in zip(COLOURS, panel.items(), strict=False):
            figure.add_trace(go.Scatter(
                x=[x for x, _ in points], y=[y for _, y in points], name=name, mode="lines+markers",
                line_color=colour, legend="legend" if column == 1 else f"legend{column}",
                showlegend=len(panel) > 1), row=1, col=column)
        figure.update_xaxes(type="log", title=axis, dtick=1, exponentformat="power", row=1, col=column)
        figure.update_yaxes(rangemode="tozero", row=1, col=column)
    figure.update_yaxes(type="log", dtick=1, row=1, col=3)
    figure.update_yaxes(range=[0, 105], row=1, col=2)
    figure.update_xaxes(tickvals=[1, 4, 16, 64], row=1, col=2)
    figure.update_layout(
        title="What grows, and what it costs (one run)", template="plotly_white", height=460, width=1400,
        legend={"x": 0.2, "y": 0.95}, legend3={"x": 0.75, "y": 0.95})
    figure.write_html(path, include_plotlyjs=True)
    return True


def of(figures: Iterable[Figure]) -> list[tuple[str, float]]:
    return [(figure.name, figure.value) for figure in figures]


def main(arguments: list[str]) -> int:
    source = Path(arguments[0] if arguments else "demo-output/bench.json")
    path = Path(arguments[1]) if len(arguments) > 1 else source.parent / "growth.html"
    found = json.loads(source.read_text())["figures"]
    return 0 if draw([(one["name"], one["value"]) for one in found], path) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
