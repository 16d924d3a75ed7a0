"""How many jobs wait, run, and rest between attempts, at each moment."""

from __future__ import annotations

import numpy as np
import pandas as pd

from .times import Numbers, bins_of, micros, moments


def queue_depth(jobs: pd.DataFrame, attempts: pd.DataFrame, every: str = "1h") -> pd.DataFrame:
    """Jobs at the start of each bin, and how many waited at most within it (``peak``).

    ``waiting``(t): enqueued (due_at where the frame has it, else created_at) ≤ t < first start, or the end
    of a job that never started. ``running``(t): started_at ≤ t < finished_at of an attempt. ``resting``(t):
    an attempt ended ≤ t < the next attempt of the same job started: back-off, and waiting again. A final
    job that somebody retried counts as resting meanwhile. Expects whole histories of the jobs.
    """
    due, left = _waiting(jobs, attempts)
    start, end = micros(attempts["started_at"]), _open(micros(attempts["finished_at"]))
    same = attempts["job_id"].to_numpy()[1:] == attempts["job_id"].to_numpy()[:-1]
    rest_from, rest_to = end[:-1][same], start[1:][same]
    known = [values[values < _EVER] for values in (due, left, start, end)]
    every_moment = np.concatenate(known)
    edges = bins_of(every_moment, every_moment, every)
    at = edges[:-1]
    return pd.DataFrame({"waiting": _count(due, left, at), "running": _count(start, end, at),
                         "resting": _count(rest_from, rest_to, at), "peak": _peak(due, left, edges)},
                        index=moments(at))


_EVER = np.iinfo(np.int64).max


def _waiting(jobs: pd.DataFrame, attempts: pd.DataFrame) -> tuple[Numbers, Numbers]:
    """From when to when each job waited for its first attempt (UTC µs)."""
    due = micros(jobs["due_at"] if "due_at" in jobs else jobs["created_at"])
    ended = _open(micros(jobs["finished_at"]))
    first = attempts.loc[~attempts["job_id"].duplicated()]
    place = pd.Index(first["job_id"]).get_indexer(pd.Index(jobs["id"]))
    started = micros(first["started_at"])
    left = np.where(place >= 0, started[place], ended) if len(started) else ended
    return due, np.maximum(due, left)


def _open(end: Numbers) -> Numbers:
    """Ends, with those that have not come yet at the end of time."""
    return np.where(end < 0, _EVER, end)


def _count(begin: Numbers, end: Numbers, at: Numbers) -> Numbers:
    """How many half-open spans hold each moment: begins up to it, less ends up to it."""
    return np.asarray(np.searchsorted(np.sort(begin), at, side="right")
                      - np.searchsorted(np.sort(end), at, side="right"))


def _peak(begin: Numbers, end: Numbers, edges: Numbers) -> Numbers:
    """The largest number of spans at once within each bin: a running count, its maximum by bin."""
    real = end[end < _EVER]
    at = np.concatenate((begin, real))
    step = np.concatenate((np.ones(len(begin), "int64"), -np.ones(len(real), "int64")))
    order = np.lexsort((step, at))                    # at one moment, who leaves leaves first
    level, at = np.cumsum(step[order]), at[order]
    found = _count(begin, end, edges[:-1])
    place = np.searchsorted(edges, at, side="right") - 1
    inside = (place >= 0) & (place < len(found))
    np.maximum.at(found, place[inside], level[inside])
    return found
