"""What trying again gives and costs.

An attempt *counts* if it ended by itself: succeeded, failed, timed_out, crashed, lost. Its *number* is its
place among the counting attempts of its job in the frame, from 1. So hand in whole jobs.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from .failures import ENDED, LOSSES, wilson
from .times import Numbers, micros, seconds


def numbered(attempts: pd.DataFrame) -> pd.DataFrame:
    """The counting attempts, with three columns more: ``number``; ``gap``, seconds since the attempt before
    ended (NaN for the first); ``last``, whether no further one follows."""
    kept = attempts.loc[attempts["outcome"].isin(ENDED)]
    jobs = kept["job_id"].to_numpy()
    change = np.ones(len(jobs), bool)
    change[1:] = jobs[1:] != jobs[:-1]
    first = np.maximum.accumulate(np.where(change, np.arange(len(jobs)), 0)) if len(jobs) else jobs
    gap = np.full(len(jobs), np.nan)
    if len(jobs):
        since = (micros(kept["started_at"])[1:] - micros(kept["finished_at"])[:-1]) / 1e6
        gap[1:] = np.where(change[1:], np.nan, since)
    return kept.assign(number=np.arange(len(jobs)) - first + 1, gap=gap,
                       last=np.append(change[1:], True) if len(jobs) else change)


def attempts_to_success(attempts: pd.DataFrame, by: str | None = None) -> pd.DataFrame:
    """How many attempts the jobs that succeeded took: a row a number of attempts, a column a group.

    Column ``all`` (or one for each value of ``by``): jobs whose successful attempt has that number.
    """
    won = numbered(attempts).query("outcome == 'succeeded'").drop_duplicates("job_id", keep="first")
    groups = np.full(len(won), "all") if by is None else won[by].astype("str").to_numpy()
    found = won.groupby(["number", groups]).size().unstack(fill_value=0).astype("int64")
    found.columns.name = None
    return found.reindex(range(1, int(found.index.max()) + 1), fill_value=0).rename_axis("attempts") if len(
        found) else pd.DataFrame({"all": pd.Series(dtype="int64")}).rename_axis("attempts")


def success_by_attempt(attempts: pd.DataFrame) -> pd.DataFrame:
    """Of the attempts number n, how many succeeded: tried, succeeded, rate = succeeded / tried, and the
    Wilson interval (low, high); a row for each n."""
    table = numbered(attempts)
    won = (table["outcome"] == "succeeded").to_numpy()
    found = pd.DataFrame({"number": table["number"], "won": won}).groupby("number").agg(
        tried=("won", "size"), succeeded=("won", "sum")).astype("int64")
    found["rate"] = found["succeeded"] / found["tried"]
    found["low"], found["high"] = wilson(found["succeeded"].to_numpy(), found["tried"].to_numpy())
    return found


def time_lost(attempts: pd.DataFrame, by: str = "key") -> pd.DataFrame:
    """What attempts cost that did not succeed, by key (or error_type, handler_version, outcome …).

    attempts: those lost; run, cpu: Σ seconds of them; waits: Σ seconds between a lost attempt and the next
    one; total_run: Σ seconds of all counting attempts; share = run / total_run. The largest run first.
    """
    table = numbered(attempts)
    bad = table["outcome"].isin(LOSSES).to_numpy()
    after = np.append(np.nan_to_num(table["gap"].to_numpy()[1:]), 0.0) if len(table) else np.zeros(0)
    run, cpu = (np.nan_to_num(_spent(table[column])) for column in ("run", "cpu"))
    flat = pd.DataFrame({
        by: table[by].astype("str").to_numpy(), "attempts": bad.astype("int64"), "run": run * bad,
        "cpu": cpu * bad, "waits": after * bad, "total_run": run})
    found = flat.groupby(by).sum()
    found["share"] = (found["run"] / found["total_run"]).fillna(0.0)
    return found.sort_values("run", ascending=False)


def retry_payoff(attempts: pd.DataFrame) -> pd.DataFrame:
    """How often trying again helps, a row for each number n of a lost attempt.

    lost: attempts n that were lost; retried: of those, followed by another; helped: that next one
    succeeded; rate = helped / retried (Wilson: low, high); rescued: a later one succeeded, sooner or later;
    seconds: Σ run of the attempts that followed attempt n at once; per_rescue = seconds / helped.
    """
    table = numbered(attempts)
    bad = table["outcome"].isin(LOSSES).to_numpy()
    won = (table["outcome"] == "succeeded").to_numpy()
    more = ~table["last"].to_numpy()
    run = np.nan_to_num(_spent(table["run"]))
    retried = bad & more
    next_won, next_run = np.append(won[1:], False)[:len(won)], np.append(run[1:], 0.0)[:len(run)]
    saved = table["job_id"].isin(table.loc[won, "job_id"]).to_numpy()
    flat = pd.DataFrame({
        "number": table["number"].to_numpy(), "lost": bad, "retried": retried, "helped": retried & next_won,
        "rescued": retried & saved, "seconds": next_run * retried})
    found = flat.loc[flat["lost"]].groupby("number").sum()
    found = found.astype(dict.fromkeys(("lost", "retried", "helped", "rescued"), "int64"))
    found["rate"] = found["helped"] / found["retried"].where(found["retried"] > 0)
    found["low"], found["high"] = wilson(found["helped"].to_numpy(), found["retried"].to_numpy())
    found["per_rescue"] = found["seconds"] / found["helped"].where(found["helped"] > 0)
    return found


def _spent(spans: pd.Series[Any]) -> Numbers:
    """Seconds, NaN where missing."""
    return np.where(spans.isna().to_numpy(), np.nan, seconds(spans))
