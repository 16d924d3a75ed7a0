"""How long jobs wait and run, how many get done, how busy the runners are.

All take the frames of ``frames`` (core columns) and return new frames. Bins are half-open, [t, t + every),
start at a multiple of ``every`` since 1970, in UTC, and are named by their start.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

PERCENTILES = (50.0, 90.0, 95.0, 99.0)
SECOND = 1_000_000

Numbers = np.ndarray[Any, Any]


def percentiles(frame: pd.DataFrame, what: str = "run", by: str | None = "key",
                q: Sequence[float] = PERCENTILES) -> pd.DataFrame:
    """Percentiles of a duration (``wait``, ``run``, ``turnaround``, ``cpu``) in seconds, a row a group.

    The p-th percentile of n sorted values x₀ … xₙ₋₁ is x at position p/100 · (n - 1), linear between
    neighbours. Missing durations are left out; ``count`` says how many there were. Columns: p50 … p99.
    """
    known = frame.loc[frame[what].notna()]
    values = seconds(known[what])
    groups = np.full(len(values), "all") if by is None else known[by].astype("str").to_numpy()
    found: dict[Any, list[float]] = {}
    for name, part in pd.Series(values).groupby(groups):
        found[name] = [len(part), *np.percentile(part.to_numpy(), list(q))]
    result = pd.DataFrame.from_dict(found, orient="index", columns=["count", *(f"p{p:g}" for p in q)])
    result.index.name = by or "all"
    return result.astype({"count": "int64"}).sort_index()


def percentiles_over_time(frame: pd.DataFrame, what: str = "run", every: str = "1D", at: str = "finished_at",
                          q: Sequence[float] = (50.0, 95.0)) -> pd.DataFrame:
    """Percentiles (as in ``percentiles``, seconds) of the rows whose moment ``at`` lies in each bin.

    Bins without rows are NaN, with count 0.
    """
    known = frame.loc[frame[what].notna() & frame[at].notna()]
    edges = bins(known[at], every)
    place = np.searchsorted(edges[1:], micros(known[at]), side="right")
    grouped = pd.Series(seconds(known[what])).groupby(place)
    result = pd.DataFrame({"count": grouped.size().reindex(range(len(edges) - 1), fill_value=0)})
    for p in q:
        result[f"p{p:g}"] = grouped.quantile(p / 100)
    result.index = moments(edges[:-1])
    return result


def throughput(jobs: pd.DataFrame, every: str = "1h") -> pd.DataFrame:
    """How many jobs became final in each bin, a column a status: the count of finished_at ∈ [t, t + every)."""
    ended = jobs.loc[jobs["finished_at"].notna()]
    edges = bins(ended["finished_at"], every)
    names = sorted(ended["status"].astype("str").unique())
    counts: dict[str, Numbers] = {}
    for name in names:
        at = micros(ended.loc[ended["status"] == name, "finished_at"])
        counts[name] = np.bincount(np.searchsorted(edges, at, side="right") - 1, minlength=len(edges) - 1)
    return pd.DataFrame(counts, index=moments(edges[:-1]), dtype="int64")


def utilisation(attempts: pd.DataFrame, runners: int, every: str = "1h", until: Any = None) -> pd.Series[float]:
    """The share of runner time in which attempts ran: Σ overlap of [started_at, finished_at) with the bin,
    over runners · every. Attempts that still run count up to ``until`` (default: the last known moment)."""
    start, end = _spans(attempts, until)
    edges = bins_of(start, end, every)
    busy = np.diff(busy_until(start, end, edges))
    width = np.diff(edges) * max(runners, 1)
    return pd.Series(busy / width if len(width) else busy, index=moments(edges[:-1]), name="utilisation")


def busy_until(start: Numbers, end: Numbers, at: Numbers) -> Numbers:
    """Runner time used before each moment of ``at``: Σ max(0, min(t, end) - start), all µs.

    By prefix sums: Σ over starts before t of (t - start), less the same over ends.
    """
    def passed(moments_: Numbers) -> Numbers:
        ordered = np.sort(moments_)
        sums = np.concatenate(([0], np.cumsum(ordered)))
        before = np.searchsorted(ordered, at, side="left")
        return np.asarray(before * at - sums[before])

    origin = int(at[0]) if len(at) else 0            # small numbers: sums of many moments stay exact
    start, end, at = start - origin, end - origin, at - origin
    return passed(start) - passed(end)


# -- bins and units, for all measures ------------------------------------------------------------


def seconds(spans: pd.Series[Any]) -> Numbers:
    """A column of durations as seconds."""
    return np.asarray(spans.to_numpy().astype("m8[us]").astype("int64") / SECOND)


def micros(times: pd.Series[Any]) -> Numbers:
    """A column of moments as UTC µs; missing ones are the smallest int64."""
    return np.asarray(times.dt.tz_convert(None).to_numpy().astype("M8[us]").astype("int64"))


def moments(at: Numbers) -> pd.DatetimeIndex:
    """UTC µs as an index of moments."""
    return pd.DatetimeIndex(np.asarray(at, "int64").view("M8[us]"), tz="UTC")


def width(every: str) -> int:
    """µs of ``1h``, ``15min``, ``1D``. Raises ValueError."""
    return int(pd.Timedelta(every).as_unit("us").to_timedelta64().astype("int64"))


def bins(times: pd.Series[Any], every: str) -> Numbers:
    """The edges (UTC µs) of the bins that hold these moments; one edge if there are none."""
    known = micros(times.loc[times.notna()])
    return bins_of(known, known, every)


def bins_of(start: Numbers, end: Numbers, every: str) -> Numbers:
    """The edges (UTC µs) of the bins from the first start to the last end."""
    step = width(every)
    if not len(start):
        return np.zeros(1, "int64")
    first, last = int(start.min()) // step, int(end.max()) // step + 1
    return np.arange(first, last + 1, dtype="int64") * step


def readable_bin(begin: Any, end: Any, about: int = 120) -> str:
    """A round width that cuts the span into about so many bins: 1min … 7D."""
    wanted = (pd.Timestamp(end) - pd.Timestamp(begin)).total_seconds() / about
    for every in ("1s", "10s", "1min", "5min", "15min", "1h", "2h", "6h", "1D"):
        if width(every) / SECOND >= wanted:
            return every
    return "7D"


def _spans(attempts: pd.DataFrame, until: Any) -> tuple[Numbers, Numbers]:
    """Starts and ends (UTC µs); what still runs ends at ``until``."""
    start, end = micros(attempts["started_at"]), micros(attempts["finished_at"]).copy()
    runs = attempts["finished_at"].isna().to_numpy()
    if until is not None:
        last = int(pd.Timestamp(until).tz_convert("UTC").as_unit("us").to_numpy().astype("int64"))
    else:
        last = int(max(start.max(initial=0), end[~runs].max(initial=0)))
    end[runs] = np.maximum(start[runs], last)
    return start, end
