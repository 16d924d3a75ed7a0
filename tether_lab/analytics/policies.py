"""Which retry policy would have cost least, replayed on what happened."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from tether_lab.job.duration import seconds as read_seconds, words

from .failures import LOSSES, wilson
from .retries import numbered
from .times import seconds

DELAYS = (0.0, 1.0, 3.0, 10.0, 30.0, 60.0, 120.0, 300.0, 900.0, 3600.0, float("inf"))
"""Bounds of the groups of waits between attempts, seconds."""

ENOUGH = 20
"""Retries after a wait of some length below which nothing is said about it."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What would have cost least: attempts at most, the wait between them (seconds; None: too few retries
    to say), and the sentence that says so. ``saved`` is seconds against what was done."""

    max_attempts: int
    delay: float | None
    saved: float
    reason: str


def cost_by_attempts(attempts: pd.DataFrame, failure: object = "10m") -> pd.DataFrame:
    """What each ``max_attempts`` m would have cost, up to the most that was tried: a row for each m.

    run: Σ seconds of attempts with number ≤ m; completed: jobs with a success among those attempts, failed:
    the others; cost = run + failed · ``failure``, where ``failure``
    is what one failed job is worth to you (a duration). What later attempts would have done for jobs that
    stopped before m is not known: they count as failed.
    """
    worth = read_seconds(failure, what="failure")
    table = numbered(attempts)
    number, jobs = table["number"].to_numpy(), table["job_id"].nunique()
    run = np.nan_to_num(np.where(table["run"].isna(), 0.0, seconds(table["run"])))
    won = (table["outcome"] == "succeeded").to_numpy()
    rows = []
    for m in range(1, int(number.max(initial=0)) + 1):
        done = int(table.loc[won & (number <= m), "job_id"].nunique())
        spent = float(run[number <= m].sum())
        rows.append({"max_attempts": m, "run": spent, "completed": done, "failed": jobs - done,
                     "cost": spent + (jobs - done) * worth})
    columns = ["max_attempts", "run", "completed", "failed", "cost"]
    return pd.DataFrame(rows, columns=columns).set_index("max_attempts")


def cost_by_delay(attempts: pd.DataFrame) -> pd.DataFrame:
    """How retries did by the wait before them: a row for each group of ``DELAYS`` that occurred.

    tried, helped, rate = helped / tried (Wilson: low, high); delay: the median wait; run: the mean seconds
    of such an attempt; seconds_to_success = (delay + run) / rate: with independent tries, 1 / rate of them
    are needed on average. Waits were not dealt at random, so read it as a hint, not as proof.
    """
    table = numbered(attempts)
    before = table["outcome"].isin(LOSSES).to_numpy()
    follows = np.append(False, before[:-1])[:len(table)] & table["gap"].notna().to_numpy()
    tries = table.loc[follows]
    group = np.searchsorted(np.array(DELAYS[1:-1]), tries["gap"].to_numpy(), side="right")
    flat = pd.DataFrame({
        "group": group, "gap": tries["gap"].to_numpy(), "won": (tries["outcome"] == "succeeded").to_numpy(),
        "run": np.where(tries["run"].isna(), 0.0, seconds(tries["run"]))})
    found = flat.groupby("group").agg(tried=("won", "size"), helped=("won", "sum"), delay=("gap", "median"),
                                      run=("run", "mean")).reset_index()
    found["helped"] = found["helped"].astype("int64")
    found["rate"] = found["helped"] / found["tried"]
    found["low"], found["high"] = wilson(found["helped"].to_numpy(), found["tried"].to_numpy())
    found["seconds_to_success"] = (found["delay"] + found["run"]) / found["rate"].where(found["rate"] > 0)
    found.insert(0, "wait", [_range(int(number)) for number in found.pop("group")])
    return found.set_index("wait")


def best_policy(attempts: pd.DataFrame, failure: object = "10m") -> Policy:
    """The ``max_attempts`` of least cost (``cost_by_attempts``; the smaller one of equals) and the wait of
    the least expected time to success among those with 20 retries or more (``cost_by_delay``).

    Meant for the attempts of one key: other handlers fail otherwise. Raises ValueError without attempts.
    """
    costs = cost_by_attempts(attempts, failure)
    if costs.empty:
        raise ValueError("there are no attempts that ended, so no policy can be judged")
    place = int(np.argmin(costs["cost"].to_numpy()))
    best, (run, completed, failed, cost) = place + 1, costs.to_numpy()[place].tolist()
    saved = float(costs["cost"].iloc[-1] - cost)
    delays = cost_by_delay(attempts).query("tried >= @ENOUGH").dropna(subset="seconds_to_success")
    delay = None if delays.empty else float(delays.sort_values("seconds_to_success")["delay"].iloc[0])
    tries = f"{best} attempt{'s' if best > 1 else ''} at most"
    wait = "" if delay is None else f", {words(delay)} apart"
    reason = (f"{tries}{wait}: {completed:,.0f} of {completed + failed:,.0f} jobs would have completed with "
              f"{words(run)} of run time")
    return Policy(best, delay, saved, reason)


def _range(number: int) -> str:
    low, high = DELAYS[number], DELAYS[number + 1]
    return f"over {words(low)}" if high == float("inf") else f"{words(low) if low else '0'} to {words(high)}"
