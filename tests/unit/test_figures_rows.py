"""Figures against SQLite's own rows: what stands in the marks is counted again, without frames or measures."""

from __future__ import annotations

import itertools
import math
from collections import Counter, defaultdict
from statistics import quantiles
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import pytest
from seeded import history

from tether_lab.views.figures import durations, failures, flow

HOUR, DAY = 3_600_000_000, 86_400_000_000
BAD = {"failed", "timed_out", "crashed", "lost"}


def micros(moment: Any) -> int:
    """UTC µs of a mark's place on the axis of time."""
    return round(pd.Timestamp(moment).timestamp() * 1e6)


def marks(figure: go.Figure) -> dict[str, dict[int, float]]:
    """Heights of each trace by moment."""
    return {trace.name: {micros(x): y for x, y in zip(trace.x, trace.y, strict=True)} for trace in figure.data}


def wilson(bad: int, of: int) -> tuple[float, float]:
    """The interval as roots of (p - share)² = z² · p · (1 - p) / of."""
    z2, share = 1.959963984540054 ** 2, bad / of
    a, b, c = 1 + z2 / of, -(2 * share + z2 / of), share * share
    root = math.sqrt(max(b * b - 4 * a * c, 0))
    return (-b - root) / (2 * a), (-b + root) / (2 * a)


def test_the_failure_rates_are_those_of_the_rows() -> None:
    """Each version's share and both ends of its interval, its numbers in the hover, its place in its key; the
    title names the version whose lower end is highest."""
    ended: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for row in history().attempt_rows:
        if row["outcome"] in BAD | {"succeeded"}:
            ended[row["key"], row["version"]].append(row)
    places: dict[str, int] = Counter()
    expected = {}
    for (key, _), rows in sorted(ended.items(), key=lambda item: (
            item[0][0], min(row["started_at"] for row in item[1]))):
        places[key] += 1
        expected[f"{key} · {places[key]}"] = (sum(row["outcome"] in BAD for row in rows), len(rows))
    figure = failures.failure_rate(history().attempts)
    [drawn] = figure.data
    assert list(drawn.y) == list(expected)
    for label, share, less, more, hover in zip(drawn.y, drawn.x, drawn.error_x.arrayminus, drawn.error_x.array,
                                               drawn.customdata, strict=True):
        bad, of = expected[label]
        assert share == pytest.approx(bad / of)
        assert (share - less, share + more) == pytest.approx(wilson(bad, of), abs=1e-5)
        assert f"{bad:,} of {of:,} attempts failed" in hover
    worst = max(expected, key=lambda label: wilson(*expected[label])[0])
    assert worst.replace(" · ", ", version ") in figure.layout.title.subtitle.text.replace("<br>", " ")


def test_the_depth_is_that_of_the_rows() -> None:
    """At the start of every sixth hour: how many run and rest; within it: how many wait at most. The title
    names the longest queue."""
    own: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for row in history().attempt_rows:
        own[row["job_id"]].append((row["started_at"], row["finished_at"]))
    waits = [(row["created_at"], own[row["id"]][0][0] if row["id"] in own else row["finished_at"])
             for row in history().job_rows]
    rests = [(before[1], after[0]) for runs in own.values() for before, after in itertools.pairwise(runs)]
    runs = [span for spans in own.values() for span in spans]
    figure = flow.queue_depth(history().jobs, history().attempts, every="6h")
    drawn = marks(figure)
    assert set(drawn) == {"waiting, most in the bin", "running", "resting between attempts"}
    for name, spans in (("running", runs), ("resting between attempts", rests)):
        assert drawn[name] == {at: sum(begin <= at < end for begin, end in spans) for at in drawn[name]}
    peaks = drawn["waiting, most in the bin"]
    steps = sorted([(begin, 1) for begin, _ in waits] + [(end, -1) for _, end in waits])
    level, place, found = 0, 0, {}
    for at in sorted(peaks):
        while place < len(steps) and steps[place][0] <= at:
            level += steps[place][1]
            place += 1
        found[at], now = level, level
        for _, step in itertools.takewhile(lambda one: one[0] < at + 6 * HOUR, steps[place:]):  # noqa: B023 — used at once
            now += step
            found[at] = max(found[at], now)
    assert peaks == found
    assert f"at most {max(found.values()):,} waited" in figure.layout.title.subtitle.text


@pytest.mark.parametrize("what", ["run", "wait", "turnaround"])
def test_the_percentiles_are_those_of_the_rows(what: str) -> None:
    """Median and 95th of every day that has jobs, with their number in the hover; no mark on other days."""
    days: dict[int, list[float]] = defaultdict(list)
    for row in history().job_rows:
        value = _duration(row, what)
        if value is not None:
            days[row["finished_at"] // DAY * DAY].append(value / 1e6)
    figure = durations.percentiles(history().jobs, what=what, every="1D")
    drawn = marks(figure)
    assert set(drawn["median"]) == set(drawn["95 % are quicker"]) == set(days)
    for at, values in days.items():
        cut = quantiles(values, n=20, method="inclusive") if len(values) > 1 else values * 19
        assert (drawn["median"][at], drawn["95 % are quicker"][at]) == pytest.approx((cut[9], cut[18]))
    median = next(trace for trace in figure.data if trace.name == "median")
    for x, hover in zip(median.x, median.customdata, strict=True):
        assert hover.endswith(f", {len(days[micros(x)]):,} jobs")
    assert f"{sum(map(len, days.values())):,} jobs: " in figure.layout.title.subtitle.text


def _duration(row: dict[str, Any], what: str) -> int | None:
    """µs: from enqueued or due to begun, from begun to ended, from enqueued to ended."""
    if what == "turnaround":
        return int(row["finished_at"] - row["created_at"])
    if row["started_at"] is None:
        return None
    if what == "run":
        return int(row["finished_at"] - row["started_at"])
    retried = row["started_at"] < row["run_at"]
    return None if retried else int(row["started_at"] - max(row["created_at"], row["run_at"]))
