"""What is slower than usual, and when it will be done."""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from .times import Numbers, micros, moments, seconds

SLOW = 3.5
"""A robust z above this is an outlier (Iglewicz and Hoaglin, 1993)."""


def slower_than_usual(frame: pd.DataFrame, by: str = "key", threshold: float = SLOW) -> pd.DataFrame:
    """The rows (jobs or attempts) that ran much longer than others of their group, the slowest first.

    On x = ln(run seconds), since durations are skew: z = 0.6745 · (x - median) / MAD, with the median
    absolute deviation MAD = median|x - median|, at least 0.01 (one per cent). Groups of fewer than 8 rows
    say nothing. Adds ``z`` and ``usual`` (the median, as a duration).
    """
    known = frame.loc[frame["run"].notna()]
    logs = pd.Series(np.log(np.maximum(seconds(known["run"]), 1e-6)), index=known.index)
    groups = known[by].astype("str")
    middle = logs.groupby(groups).transform("median")
    spread = (logs - middle).abs().groupby(groups).transform("median").clip(lower=0.01)
    z = 0.6745 * (logs - middle) / spread
    enough = logs.groupby(groups).transform("size") >= 8
    found = known.assign(z=z, usual=pd.to_timedelta(np.exp(middle), unit="s").dt.as_unit("us"))
    return found.loc[enough & (z > threshold)].sort_values("z", ascending=False)


def remaining(history: Sequence[float] | Numbers, elapsed: float) -> float:
    """Seconds that something still takes which has run ``elapsed`` seconds: the median of those of the
    ``history`` (seconds) that took longer, less elapsed; if none did, a tenth of elapsed. NaN without
    history."""
    durations = np.asarray(history, "float64")
    if not len(durations):
        return float("nan")
    longer = durations[durations > elapsed]
    return float(np.median(longer) - elapsed) if len(longer) else 0.1 * elapsed


def eta(jobs: pd.DataFrame, now: Any, runners: int = 1) -> pd.DataFrame:
    """When each job that is not final will probably end: columns id, key, status, seconds, done_at.

    Running ones take ``remaining`` of the runs of completed jobs of their key; the others, in the order of
    priority and due time, get the first free of the ``runners`` (not before they are due) and take the
    median of their key. Keys without history take the median of all; no history at all: NaT. Attempts
    that fail are not foreseen.
    """
    present = int(pd.Timestamp(now).tz_convert("UTC").as_unit("us").to_numpy().astype("int64"))
    done = jobs.loc[(jobs["status"] == "completed") & jobs["run"].notna()]
    runs = pd.Series(seconds(done["run"]), dtype="float64")
    by_key = {str(key): part.to_numpy() for key, part in runs.groupby(done["key"].astype("str").to_numpy())}
    left = jobs.loc[jobs["finished_at"].isna()].sort_values(["priority", "scheduled_at", "id"],
                                                            ascending=[False, True, True])
    running = left.loc[left["status"] == "running"]
    free: list[float] = []
    found: dict[int, float] = {}
    for number, key, start in zip(running["id"], running["key"], micros(running["started_at"]), strict=True):
        takes = remaining(by_key.get(str(key), runs.to_numpy()), max(0.0, (present - start) / 1e6))
        found[int(number)] = takes
        free.append(takes)
    free = heapq.nsmallest(max(1, runners), [*free, *[0.0] * max(0, max(1, runners) - len(free))])
    heapq.heapify(free)
    waiting = left.loc[left["status"] != "running"]
    for number, key, due in zip(waiting["id"], waiting["key"], micros(waiting["scheduled_at"]), strict=True):
        history = by_key.get(str(key), runs.to_numpy())
        takes = float(np.median(history)) if len(history) else float("nan")
        end = max(free[0], (due - present) / 1e6) + takes
        found[int(number)] = end
        if not math.isnan(end):      # an unknown duration holds up nobody in this forecast
            heapq.heapreplace(free, end)
    takes_all = np.array([found[int(number)] for number in left["id"]], "float64")
    ends = np.where(np.isnan(takes_all), np.iinfo(np.int64).min, present + np.nan_to_num(takes_all) * 1e6)
    return pd.DataFrame({"id": left["id"].to_numpy(), "key": left["key"].array, "status": left["status"].array,
                         "seconds": takes_all, "done_at": moments(ends.astype("int64"))})
