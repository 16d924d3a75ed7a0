"""A report: all figures of a time on one page, under headings that are questions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from tether_lab.analytics import failures as failing, retries as retrying, times
from tether_lab.views.phrases import count

from . import durations, failures, flow, retries, style, timeline
from .saving import Section, page


def report(jobs: pd.DataFrame, attempts: pd.DataFrame, *, title: str, now: Any, theme: str = "auto") -> str:
    """The page as HTML, in one file. ``now`` is when it was made, and where running attempts end."""
    made = f"Made {now:%d %b %Y %H:%M} UTC. All times are UTC."
    return page(title, made, sections(jobs, attempts, now, "light" if theme == "auto" else theme), theme)


def sections(jobs: pd.DataFrame, attempts: pd.DataFrame, now: Any, drawn: str) -> list[Section]:
    """The questions in order, each with a sentence that answers it and its figures."""
    return [
        Section("What happened?", _happened(jobs), [
            timeline.timeline(attempts, drawn, now), flow.throughput(jobs, drawn), flow.calendar(jobs, drawn)]),
        Section("Is it quick?", _quick(jobs), [
            durations.percentiles(jobs, drawn, "run"), durations.percentiles(jobs, drawn, "wait"),
            flow.queue_depth(jobs, attempts, drawn), durations.by_version(attempts, drawn)]),
        Section("What fails?", _fails(attempts), [
            failures.pareto(attempts, drawn), failures.failure_rate(attempts, drawn)]),
        Section("Does trying again pay?", _pays(attempts), [
            retries.attempts_to_success(attempts, drawn), retries.success_by_attempt(attempts, drawn),
            retries.payoff(attempts, drawn), retries.time_lost(attempts, drawn)])]


def _happened(jobs: pd.DataFrame) -> str:
    if jobs.empty:
        return "No jobs were enqueued in this time."
    counts = jobs["status"].astype("str").value_counts()
    listed = ", ".join(f"{number:,} {status}" for status, number in counts.items())
    return (f"{count(len(jobs), 'job')} of {count(jobs['key'].nunique(), 'handler')} were enqueued: {listed}.")


def _quick(jobs: pd.DataFrame) -> str:
    if not (jobs["run"].notna().any() and jobs["wait"].notna().any()):
        return "Nothing has run to its end."
    (run50, run95), (wait50, wait95) = (
        np.percentile(times.seconds(jobs[what].dropna()), (50, 95)) for what in ("run", "wait"))
    return (f"Half of the jobs waited {style.span(wait50)} or less and ran {style.span(run50)} or less; "
            f"95 % waited at most {style.span(wait95)} and ran at most {style.span(run95)}.")


def _fails(attempts: pd.DataFrame) -> str:
    ended = attempts["outcome"].isin(failing.ENDED)
    bad = int(attempts["outcome"].isin(failing.LOSSES).sum())
    if not bad:
        return "No attempt has failed."
    share = style.percent(bad / int(ended.sum()))
    return f"{bad:,} of {count(int(ended.sum()), 'attempt')} failed, timed out or crashed: {share}."


def _pays(attempts: pd.DataFrame) -> str:
    table = retrying.retry_payoff(attempts)
    retried, rescued = int(table["retried"].sum()), int(table["helped"].sum())
    if not retried:
        return "Nothing was tried again."
    return (f"{count(retried, 'retry')} rescued {count(rescued, 'job')} and took "
            f"{style.span(float(table['seconds'].sum()))} of run time.")
